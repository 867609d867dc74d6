// SPDX-License-Identifier: Apache-2.0

extension Step: Payload {
    private static let fixedByteCount = 16

    /// The wire type of a step without activations.
    private static let noWireType: UInt8 = 0

    var byteCount: Int {
        Self.fixedByteCount + edits.count * KVEdit.byteCount + rows.count * Row.byteCount
            + trail.count * StageTiming.byteCount + activations.byteCount
    }

    func write(to writer: inout ByteWriter) {
        precondition(edits.count <= Limits.editsMax, "\(edits.count) edits in a step")
        precondition(rows.count <= Limits.rowsMax, "\(rows.count) rows in a step")
        precondition(trail.count <= Limits.stagesMax, "\(trail.count) timings in a trail")
        precondition(
            rows.count { $0.want == .allLogits } <= Limits.allLogitsRowsMax,
            "too many rows want all logits")
        writer.u8(activations.wireType?.rawValue ?? Self.noWireType)
        writer.u8(0)
        writer.u16(UInt16(trail.count))
        writer.u32(UInt32(edits.count))
        writer.u32(UInt32(rows.count))
        writer.u32(UInt32(activationWidth))
        for edit in edits { edit.write(to: &writer) }
        for row in rows { row.write(to: &writer) }
        for timing in trail { timing.write(to: &writer) }
        activations.write(to: &writer)
    }

    /// Values per row.
    private var activationWidth: Int {
        guard let type = activations.wireType else { return 0 }
        let count = activations.valueCount
        if rows.isEmpty {
            precondition(count == 0, "activations without rows")
            return 0
        }
        let (width, rest) = count.quotientAndRemainder(dividingBy: rows.count)
        precondition(
            rest == 0 && (1...Limits.widthMax).contains(width) && type.takes(width: width),
            "\(count) activations for \(rows.count) rows")
        return width
    }

    init(from reader: inout ByteReader) throws(WireError) {
        let number = try reader.u8()
        let wireType = WireType(rawValue: number)
        guard wireType != nil || number == Self.noWireType else {
            throw .invalidValue(field: "wireType", value: "\(number)")
        }
        guard try reader.u8() == 0 else { throw .reservedNotZero(field: "step") }
        let trailCount = Int(try reader.u16())
        let editCount = Int(try reader.u32())
        let rowCount = Int(try reader.u32())
        let width = Int(try reader.u32())
        try reader.check(
            "trailCount", count: trailCount, limit: Limits.stagesMax, size: StageTiming.byteCount)
        try reader.check(
            "editCount", count: editCount, limit: Limits.editsMax, size: KVEdit.byteCount)
        try reader.check("rowCount", count: rowCount, limit: Limits.rowsMax, size: Row.byteCount)
        try Self.check(width: width, rowCount: rowCount, wireType: wireType)

        self.init(rows: [])
        edits.reserveCapacity(editCount)
        for _ in 0..<editCount { edits.append(try KVEdit(from: &reader)) }
        rows = try Row.table(from: &reader, count: rowCount)
        trail = try StageTiming.table(from: &reader, count: trailCount)
        activations = try Activations(from: &reader, type: wireType, count: rowCount * width)
    }

    private static func check(
        width: Int, rowCount: Int, wireType: WireType?
    ) throws(WireError) {
        guard width <= Limits.widthMax else {
            throw .countOverLimit(field: "width", count: width, limit: Limits.widthMax)
        }
        let byteCount = rowCount * width * MemoryLayout<Float>.size
        guard byteCount <= Limits.activationBytesMax else {
            throw .countOverLimit(
                field: "activation bytes", count: byteCount, limit: Limits.activationBytesMax)
        }
        guard (width > 0) == (wireType != nil && rowCount > 0),
            wireType?.takes(width: width) ?? true
        else {
            throw .invalidValue(field: "width", value: "\(width)")
        }
    }
}

extension KVEdit {
    static let byteCount = 16

    func write(to writer: inout ByteWriter) {
        let fields: (UInt32, UInt32, UInt32, UInt32) =
            switch self {
            case .release(let slot): (1, slot, 0, 0)
            case .truncate(let slot, let length): (2, slot, 0, length)
            case .fork(let slot, let source, let length): (3, slot, source, length)
            }
        writer.u32(fields.0)
        writer.u32(fields.1)
        writer.u32(fields.2)
        writer.u32(fields.3)
    }

    init(from reader: inout ByteReader) throws(WireError) {
        let operation = try reader.u32()
        let slot = try reader.u32()
        let source = try reader.u32()
        let length = try reader.u32()
        switch operation {
        case 1:
            guard source == 0, length == 0 else { throw .reservedNotZero(field: "release") }
            self = .release(slot: slot)
        case 2:
            guard source == 0 else { throw .reservedNotZero(field: "truncate") }
            self = .truncate(slot: slot, length: length)
        case 3:
            guard source != slot else { throw .invalidValue(field: "source", value: "\(source)") }
            self = .fork(slot: slot, source: source, length: length)
        default:
            throw .invalidValue(field: "operation", value: "\(operation)")
        }
    }
}

extension StageTiming {
    static let byteCount = 16

    func write(to writer: inout ByteWriter) {
        writer.u16(stage)
        writer.u16(0)
        writer.u32(waitMicroseconds)
        writer.u32(computeMicroseconds)
        writer.u32(sendMicroseconds)
    }

    static func table(
        from reader: inout ByteReader, count: Int
    ) throws(WireError) -> [StageTiming] {
        var trail: [StageTiming] = []
        trail.reserveCapacity(count)
        for _ in 0..<count {
            let stage = try reader.u16()
            try reader.reserved16("timing")
            trail.append(
                StageTiming(
                    stage: stage, waitMicroseconds: try reader.u32(),
                    computeMicroseconds: try reader.u32(), sendMicroseconds: try reader.u32()))
        }
        return trail
    }
}
