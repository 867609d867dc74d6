// SPDX-License-Identifier: Apache-2.0

import Model

extension ElementType {
    static let quantised = supported.filter(\.isQuantised)
    static let floats = supported.filter { !$0.isQuantised }

    var isSuper: Bool { blockElementCount == 256 }

    /// A row length that blocks fill: `columns`, or as many super-blocks as it has blocks of 128.
    func wide(_ columns: Int) -> Int { isSuper ? (columns + 127) / 128 * 256 : columns }

    /// Where the f16 scales of a block start.
    var scaleStart: Int {
        switch self {
        case .q2_K: 80
        case .q3_K: 108
        case .q6_K: 208
        default: 0
        }
    }

    /// What a block's scale has to be multiplied with for about the largest value.
    var reach: Float {
        switch self {
        case .q4_0, .q4_1: 8
        case .q8_0, .iq4_NL: 128
        case .q2_K: 3 * 15 / 2
        case .q3_K: 4 * 32
        case .q4_K: 15 * 63 / 2
        case .q5_K: 31 * 63 / 2
        case .q6_K: 32 * 128
        default: 16
        }
    }

    /// The minimum's f16 number in units of the scale's, for values on both sides of zero.
    var minimum: Float? {
        switch self {
        case .q4_1: -8
        case .q5_1: -16
        case .q2_K: 1.5
        case .q4_K: 7.5
        case .q5_K: 15.5
        default: nil
        }
    }

    /// Whether a byte of a block belongs to an f16 number.
    func isScale(byte: Int) -> Bool {
        let length = minimum == nil ? 2 : 4
        return (scaleStart..<scaleStart + length).contains(byte)
    }
}
