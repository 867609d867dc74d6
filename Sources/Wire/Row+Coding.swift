// SPDX-License-Identifier: Apache-2.0

extension Row {
    static let byteCount = 16

    func write(to writer: inout ByteWriter) {
        writer.u32(slot)
        writer.u32(position)
        writer.u32(token)
        writer.u16(want.number)
        writer.u16(0)
    }

    init(from reader: inout ByteReader) throws(WireError) {
        self.init(
            slot: try reader.u32(), position: try reader.u32(), token: try reader.u32(),
            want: try Want(number: try reader.u16()))
        try reader.reserved16("row")
    }

    /// `count` rows, of which no more ask for all logits than the answer has room for.
    static func table(from reader: inout ByteReader, count: Int) throws(WireError) -> [Row] {
        var rows: [Row] = []
        rows.reserveCapacity(count)
        var allLogitsCount = 0
        for _ in 0..<count {
            let row = try Row(from: &reader)
            if row.want == .allLogits { allLogitsCount += 1 }
            rows.append(row)
        }
        guard allLogitsCount <= Limits.allLogitsRowsMax else {
            throw .countOverLimit(
                field: "rows wanting all logits", count: allLogitsCount,
                limit: Limits.allLogitsRowsMax)
        }
        return rows
    }
}

extension Row.Want {
    private static let allLogitsNumber: UInt16 = 0xFFFF

    fileprivate var number: UInt16 {
        switch self {
        case .nothing:
            return 0
        case .candidates(let count):
            precondition((1...Limits.candidatesMax).contains(Int(count)), "\(count) candidates")
            return count
        case .allLogits:
            return Self.allLogitsNumber
        }
    }

    fileprivate init(number: UInt16) throws(WireError) {
        switch number {
        case 0: self = .nothing
        case 1...UInt16(Limits.candidatesMax): self = .candidates(count: number)
        case Self.allLogitsNumber: self = .allLogits
        default: throw .invalidValue(field: "want", value: "\(number)")
        }
    }
}
