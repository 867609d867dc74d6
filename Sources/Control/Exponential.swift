// SPDX-License-Identifier: Apache-2.0

/// `exp` and `log` for `Double`, made of additions, multiplications and one division only.
///
/// The C library's differ between machines and versions in the last bit, and one bit can turn a
/// draw; these give the same bits everywhere. Errors stay below 1 ulp for normal results.
/// Method: Cody and Waite, Software Manual for the Elementary Functions, 1980.
package enum Exponential {
    /// ln 2 in two parts; the high one has 33 significant bits, so its product with any exponent
    /// of a Double is exact.
    private static let ln2High = 0x1.62e42feep-1
    private static let ln2Low = 0x1.a39ef35793c76p-33
    private static let log2e = 0x1.71547652b82fep0
    /// 1/2!, 1/3!, … 1/13!; the next term is below 2⁻⁵⁷ for |r| ≤ ln 2 / 2.
    private static let inverseFactorials: [Double] = [
        1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720, 1.0 / 5040, 1.0 / 40320, 1.0 / 362_880,
        1.0 / 3_628_800, 1.0 / 39_916_800, 1.0 / 479_001_600, 1.0 / 6_227_020_800,
    ]
    /// 2/3, 2/5, … 2/23: the series of 2 artanh(s) past its first term, in s².
    private static let oddReciprocals: [Double] = [
        2.0 / 3, 2.0 / 5, 2.0 / 7, 2.0 / 9, 2.0 / 11, 2.0 / 13, 2.0 / 15, 2.0 / 17, 2.0 / 19,
        2.0 / 21, 2.0 / 23,
    ]

    /// e to the power `x`.
    package static func exp(_ x: Double) -> Double {
        guard x <= 709.782712893384 else { return x.isNaN ? x : .infinity }
        guard x >= -745.1332191019412 else { return 0 }
        let k = (x * log2e).rounded(.toNearestOrEven)
        let r = (x - k * ln2High) - k * ln2Low
        var series = 0.0
        for coefficient in inverseFactorials.reversed() { series = series * r + coefficient }
        let mantissa = 1 + (r + r * r * series)
        // Two factors, since 2^k alone may lie outside the range of a Double.
        let half = Int(k) / 2
        return mantissa * powerOfTwo(half) * powerOfTwo(Int(k) - half)
    }

    /// The same bits for eight numbers at once, in a third of the time; none may be beyond ±700.
    package static func exp(_ x: SIMD8<Double>) -> SIMD8<Double> {
        // The sum has no bits for a fraction, and the whole number in its lowest ones.
        let shift = 0x1.8p52
        let shifted = x * log2e + shift
        let k = shifted - shift
        let r = (x - k * ln2High) - k * ln2Low
        var series = SIMD8<Double>()
        for coefficient in inverseFactorials.reversed() { series = series * r + coefficient }
        let mantissa = 1 + (r + r * r * series)
        let exponents = unsafeBitCast(shifted, to: SIMD8<UInt64>.self) &+ 1023
        return mantissa * unsafeBitCast(exponents &<< 52, to: SIMD8<Double>.self)
    }

    /// The natural logarithm of `x`; −∞ for 0 and NaN below.
    package static func log(_ x: Double) -> Double {
        guard x > 0, x.isFinite else { return x == 0 ? -.infinity : (x > 0 ? x : .nan) }
        var exponent = Double(x.exponent)
        var mantissa = x.significand
        if mantissa > 0x1.6a09e667f3bcdp0 {
            mantissa /= 2
            exponent += 1
        }
        // log(1 + f) = f − s(f − R) with s = f / (2 + f): f is exact, the rest is small beside it.
        let f = mantissa - 1
        let s = f / (2 + f)
        let square = s * s
        var series = 0.0
        for coefficient in oddReciprocals.reversed() { series = series * square + coefficient }
        return exponent * ln2High + (f - (s * (f - square * series) - exponent * ln2Low))
    }

    private static func powerOfTwo(_ exponent: Int) -> Double {
        Double(sign: .plus, exponent: exponent, significand: 1)
    }
}
