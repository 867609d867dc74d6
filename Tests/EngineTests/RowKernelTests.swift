// SPDX-License-Identifier: Apache-2.0

import CKernels
import Testing

@Suite struct RowKernelTests {
    /// Whether the kernel gives the same bits on each instruction set; returns them.
    private func same(_ count: Int, _ body: (ck_isa, inout [Float]) -> Void) -> [Float] {
        let results = ISAs.all.map { isa in
            var out = [Float](repeating: 0, count: count)
            body(isa, &out)
            return out
        }
        for result in results { #expect(result.isIdentical(to: results[0])) }
        return results[0]
    }

    @Test(arguments: [1, 15, 16, 17, 576, 600]) func normMatchesDoubles(count: Int) {
        var random = RandomSource(seed: 1)
        let x = random.floats(count, -5...5)
        let weight = random.floats(count)
        let out = same(count) { ck_rms_norm($0, x, weight, count, 1e-5, &$1) }
        let squares = x.reduce(0.0) { $0 + Double($1) * Double($1) }
        let factor = 1 / (squares / Double(count) + 1e-5).squareRoot()
        for i in 0..<count {
            let exact = Double(x[i]) * factor * Double(weight[i])
            #expect(abs(Double(out[i]) - exact) <= 1e-6 * abs(exact))
        }
    }

    @Test func gateMatchesDoubles() {
        let gates = stride(from: Float(-120), through: 120, by: 0.37).map { $0 }
        let up = gates.map { 1.5 - $0 / 100 }
        let out = same(gates.count) { isa, out in
            out = gates
            ck_swiglu(isa, &out, up, gates.count)
        }
        for (i, gate) in gates.enumerated() {
            let exact = Double(gate) / (1 + exponential(-Double(gate))) * Double(up[i])
            #expect(abs(Double(out[i]) - exact) <= 1e-6 * abs(exact) + 1e-30, "\(gate)")
        }
    }

    @Test(arguments: [(64, 64), (80, 80), (24, 10), (128, 64)])
    func rotationMatchesDoubles(headSize: Int, dimensions: Int) {
        var random = RandomSource(seed: 4)
        let heads = random.floats(3 * headSize)
        let factors = random.floats(dimensions / 2, 1...8)
        let position = 4321.5
        var frequencies = [Float](repeating: 0, count: dimensions / 2)
        ck_rope_frequencies(10_000, dimensions, factors, &frequencies)
        var table = [Float](repeating: 0, count: 2 * dimensions)
        ck_rope_table(position, frequencies, dimensions / 2, &table)
        let out = same(heads.count) { isa, out in
            out = heads
            ck_rope(isa, &out, 3, headSize, dimensions, table)
        }
        for head in 0..<3 {
            for i in 0..<headSize / 2 {
                let (a, b) = (head * headSize + 2 * i, head * headSize + 2 * i + 1)
                var (x, y) = (Double(heads[a]), Double(heads[b]))
                if 2 * i < dimensions {
                    let power = exponential(
                        -2 * Double(i) / Double(dimensions) * 9.210340371976182)
                    #expect(abs(Double(frequencies[i]) * Double(factors[i]) - power) < 1e-6 * power)
                    let (s, c) = sineCosine(position * Double(frequencies[i]))
                    (x, y) = (x * c - y * s, x * s + y * c)
                }
                #expect(abs(Double(out[a]) - x) < 1e-6 && abs(Double(out[b]) - y) < 1e-6)
            }
        }
    }

    @Test func frequenciesWithoutFactorsStartAtOne() {
        var frequencies = [Float](repeating: 0, count: 4)
        ck_rope_frequencies(10_000, 8, nil, &frequencies)
        #expect(frequencies[0] == 1)
        for (found, exact) in zip(frequencies, [1, 0.1, 0.01, 0.001]) {
            #expect(abs(Double(found) - exact) < 1e-7 * exact + 1e-9)
        }
    }

    @Test(arguments: ISAs.all) func everyHalfWidens(isa: ck_isa) {
        let halves = (0...UInt16.max).map { $0 }
        var out = [Float](repeating: 0, count: halves.count)
        ck_widen_f16(isa, halves, halves.count, &out)
        let wrong = halves.indices.filter { index in
            let exact = Float(Float16(bitPattern: halves[index]))
            return exact.isNaN ? !out[index].isNaN : out[index].bitPattern != exact.bitPattern
        }
        #expect(wrong.isEmpty)
    }

    @Test(arguments: ISAs.all) func halvesRoundToNearestEvenAndSaturate(isa: ck_isa) {
        var random = RandomSource(seed: 9)
        var values: [Float] = [0, -0.0, 65_504, 65_519, 65_520, 1e30, -1e30, .infinity, -.infinity]
        values += [0x1p-24, 0x1p-25, 0x1.8p-25, 0x1p-14, 0x1.ffcp-15, 1 + 0x1p-11, 1 + 0x1.8p-10]
        for _ in 0..<20_000 {
            values.append(Float(bitPattern: UInt32.random(in: 0...UInt32.max, using: &random)))
            values.append(Float.random(in: -4...4, using: &random))
        }
        values.removeAll { $0.isNaN }
        var out = [UInt16](repeating: 0, count: values.count)
        ck_narrow_f16(isa, values, values.count, &out)
        let wrong = values.indices.filter {
            let exact = Float16(max(-65_504, min(65_504, values[$0])))
            return out[$0] != exact.bitPattern
        }
        #expect(wrong.isEmpty)
        var nan: UInt16 = 0
        ck_narrow_f16(isa, [.nan], 1, &nan)
        #expect(Float16(bitPattern: nan).isNaN)
    }

    @Test func codesAreRoundedShares() {
        var random = RandomSource(seed: 12)
        var values = random.floats(32 * 20, -7...7)
        values.replaceSubrange(32..<64, with: repeatElement(0, count: 32))
        values.replaceSubrange(64..<96, with: (0..<32).map { Float($0) * 4 + 3 })
        for isa in ISAs.all {
            var codes = [Int8](repeating: 99, count: values.count)
            var blocks = [ck_block](repeating: ck_block(), count: 20)
            ck_quantise(isa, values, values.count, 1, &codes, &blocks)
            for block in 0..<20 {
                let range = block * 32..<block * 32 + 32
                let largest = values[range].map(abs).max() ?? 0
                let found = blocks[block]
                let halves = [range.prefix(16), range.suffix(16)].map { half in
                    codes[half].reduce(0) { $0 + Int32($1) }
                }
                #expect(found.scale == largest / 127)
                #expect(found.start == -8 * (halves[0] + halves[1]))
                #expect(found.moment == found.scale * Float(halves[0] + halves[1]))
                #expect([found.half_starts.0, found.half_starts.1] == halves.map { -32 * $0 })
                for i in range {
                    let share = largest == 0 ? 0 : values[i] * (127 / largest)
                    #expect(abs(Float(codes[i]) - share) <= 0.5001)
                }
            }
        }
    }

    @Test func codesAreTheSameBitsEverywhereAndSafeForNonsense() {
        var random = RandomSource(seed: 13)
        var values = random.floats(32 * 64, -100...100)
        for i in stride(from: 0, to: values.count, by: 3) { values[i].round() }
        let codes = ISAs.all.map { isa in
            var codes = [Int8](repeating: 0, count: values.count)
            var blocks = [ck_block](repeating: ck_block(), count: 64)
            ck_quantise(isa, values, values.count, 1, &codes, &blocks)
            return codes
        }
        for other in codes { #expect(other == codes[0]) }
        values = [Float](repeating: .nan, count: 32) + [Float](repeating: 0x1p-133, count: 32)
        for isa in ISAs.all {
            var codes = [Int8](repeating: 0, count: 64)
            var blocks = [ck_block](repeating: ck_block(), count: 2)
            ck_quantise(isa, values, 64, 1, &codes, &blocks)
            #expect(blocks[1].scale == 0 && blocks[1].start == 0 && blocks[1].moment == 0)
        }
    }

    /// Wherever in the block it stands.
    @Test(arguments: [Float.nan, -.nan, .infinity, -.infinity])
    func whatHoldsNoNumberIsNotTakenForZeros(value: Float) {
        for (place, isa) in [0, 7, 15, 16, 31].flatMap({ place in ISAs.all.map { (place, $0) } }) {
            var values = [Float](repeating: 3, count: 32)
            values[place] = value
            var codes = [Int8](repeating: 0, count: 32)
            var blocks = [ck_block](repeating: ck_block(), count: 1)
            ck_quantise(isa, values, 32, 1, &codes, &blocks)
            #expect(!blocks[0].scale.isFinite)
        }
    }
}

/// e^x by its series after halving x until it is small; independent of the kernels.
func exponential(_ x: Double) -> Double {
    let halvings = 12
    let small = x / Double(1 << halvings)
    var (sum, term) = (1.0, 1.0)
    for k in 1...16 {
        term *= small / Double(k)
        sum += term
    }
    for _ in 0..<halvings { sum *= sum }
    return sum
}

/// sin x and cos x by their series; independent of the kernels.
func sineCosine(_ x: Double) -> (Double, Double) {
    let r = x.remainder(dividingBy: 2 * .pi)
    var (s, c) = (0.0, 0.0)
    var term = 1.0
    for k in 0..<40 {
        switch k % 4 {
        case 0: c += term
        case 1: s += term
        case 2: c -= term
        default: s -= term
        }
        term *= r / Double(k + 1)
    }
    return (s, c)
}
