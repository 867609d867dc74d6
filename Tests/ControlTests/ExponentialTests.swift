// SPDX-License-Identifier: Apache-2.0

import Control
import Foundation
import Testing

struct ExponentialTests {
    private func ulps(_ value: Double, _ reference: Double) -> Double {
        value == reference ? 0 : abs(value - reference) / reference.ulp
    }

    @Test func expAgreesWithTheCLibrary() {
        var random = SplitMix(state: 1)
        var worst = 0.0
        for scale in [1e-9, 0.1, 1, 20, 700] {
            for _ in 0..<4000 {
                let x = Double.random(in: -scale...scale, using: &random)
                worst = max(worst, ulps(Exponential.exp(x), exp(x)))
            }
        }
        #expect(worst < 2)
    }

    @Test func logAgreesWithTheCLibrary() {
        var random = SplitMix(state: 2)
        var worst = 0.0
        for _ in 0..<10000 {
            let nearOne = Double.random(in: 0.5...2, using: &random)
            let anywhere = exp(Double.random(in: -740...709, using: &random))
            worst = max(worst, ulps(Exponential.log(nearOne), log(nearOne)))
            worst = max(worst, ulps(Exponential.log(anywhere), log(anywhere)))
        }
        #expect(worst < 2)
    }

    @Test func knownValues() {
        #expect(Exponential.exp(0) == 1)
        #expect(ulps(Exponential.exp(1), 2.718281828459045) <= 1)
        #expect(ulps(Exponential.exp(-1), 0.36787944117144233) <= 1)
        #expect(Exponential.log(1) == 0)
        #expect(Exponential.log(2) == 0.6931471805599453)
        #expect(Exponential.log(10) == 2.302585092994046)
    }

    /// Pinned bits: sampling is the same on every machine only if these are.
    @Test func bitsAreFixed() {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for index in 1...2000 {
            let x = Double(index) * 0.37 - 370
            for value in [Exponential.exp(x), Exponential.log(Double(index) * 0.013)] {
                hash = (hash ^ value.bitPattern) &* 0x100_0000_01B3
            }
        }
        #expect(hash == 290_692_563_785_173_252)
    }

    @Test func eightAtOnceHaveTheSameBits() {
        var random = SplitMix(state: 5)
        for scale in [0.1, 1, 64, 700] {
            for _ in 0..<2000 {
                var x = SIMD8<Double>()
                for lane in 0..<8 { x[lane] = Double.random(in: -scale...scale, using: &random) }
                let eight = Exponential.exp(x)
                #expect((0..<8).allSatisfy { eight[$0] == Exponential.exp(x[$0]) }, "\(x)")
            }
        }
        // Halves of ln 2, where rounding may go either way.
        for k in -900...900 {
            let x = Double(k) * 0.34657359027997264
            #expect(Exponential.exp(SIMD8(repeating: x))[k & 7] == Exponential.exp(x))
        }
    }

    @Test func edges() {
        #expect(Exponential.exp(.infinity) == .infinity)
        #expect(Exponential.exp(710) == .infinity)
        #expect(Exponential.exp(-.infinity) == 0)
        #expect(Exponential.exp(-746) == 0)
        #expect(Exponential.exp(-745) == .leastNonzeroMagnitude)
        #expect(Exponential.exp(.nan).isNaN)
        #expect(Exponential.log(0) == -.infinity)
        #expect(Exponential.log(.infinity) == .infinity)
        #expect(Exponential.log(-1).isNaN)
        #expect(Exponential.log(.nan).isNaN)
        #expect(ulps(Exponential.log(.leastNonzeroMagnitude), log(.leastNonzeroMagnitude)) < 2)
    }
}
