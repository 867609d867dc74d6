// SPDX-License-Identifier: Apache-2.0

/// How activations travel between stages. Append-only numbers.
package enum WireType: UInt8, Sendable, CaseIterable {
    /// Exact: the tokens are those of one process.
    case f32 = 1
    /// Half the bytes.
    case f16 = 2
    /// 36 bytes for 32 values: a scale and 32 codes.
    case q8 = 3

    /// Values that share one scale in q8.
    package static let blockLength = 32

    /// The type's name on the command line.
    package init?(name: String) {
        guard let type = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = type
    }

    package var name: String { "\(self)" }

    /// Whether rows of `width` values can travel in it.
    package func takes(width: Int) -> Bool { self != .q8 || width % Self.blockLength == 0 }

    /// Bytes of `count` values in whole rows.
    package func byteCount(of count: Int) -> Int {
        switch self {
        case .f32: 4 * count
        case .f16: 2 * count
        case .q8: count / Self.blockLength * 4 + count
        }
    }
}

/// What a step's rows are between stages: `(rows, embeddingLength)`, row after row.
package enum Activations: Sendable, Equatable {
    /// Rows on their way to stage 0, which embeds their tokens.
    case none
    case f32([Float])
    /// IEEE 754 half precision.
    case f16([UInt16])
    /// A value is its code times the scale of its block of 32; scales `(rows, width / 32)`, codes
    /// `(rows, width)`.
    case q8(scales: [Float], codes: [Int8])

    /// What they travel as; nil for `.none`.
    package var wireType: WireType? {
        switch self {
        case .none: nil
        case .f32: .f32
        case .f16: .f16
        case .q8: .q8
        }
    }

    /// Values of all rows together.
    var valueCount: Int {
        switch self {
        case .none: 0
        case .f32(let values): values.count
        case .f16(let values): values.count
        case .q8(_, let codes): codes.count
        }
    }

    var byteCount: Int { wireType?.byteCount(of: valueCount) ?? 0 }

    func write(to writer: inout ByteWriter) {
        switch self {
        case .none: break
        case .f32(let values): writer.numbers(values)
        case .f16(let values): writer.numbers(values)
        case .q8(let scales, let codes):
            precondition(
                scales.count * WireType.blockLength == codes.count,
                "\(scales.count) scales for \(codes.count) codes")
            writer.numbers(scales)
            writer.numbers(codes)
        }
    }

    /// `count` values, which the caller has checked against the limits.
    init(
        from reader: inout ByteReader, type: WireType?, count: Int
    ) throws(WireError) {
        switch type {
        case nil: self = .none
        case .f32?: self = .f32(try reader.numbers(count))
        case .f16?: self = .f16(try reader.numbers(count))
        case .q8?:
            let scales: [Float] = try reader.numbers(count / WireType.blockLength)
            self = .q8(scales: scales, codes: try reader.numbers(count))
        }
    }
}
