// SPDX-License-Identifier: Apache-2.0

import Wire

extension BadVectorCatalog {
    /// In `step-f32`: edits at 16, rows at 64, trail at 96, activations at 112.
    static let steps: [BadVector] = [
        step("wire-type-4", at: 0, UInt8(4)),
        step("wire-type-f16", at: 0, UInt8(2), "trailingBytes"),
        step("wire-type-q8", at: 0, UInt8(3)),
        step("reserved", at: 1, UInt8(1), "reservedNotZero"),
        step("trail", at: 2, UInt16(257), "countOverLimit"),
        step("trail-cut", at: 2, UInt16(256), "truncated"),
        step("trail-more", at: 2, UInt16(2), "reservedNotZero"),
        step("edits", at: 4, UInt32(4097), "countOverLimit"),
        step("edits-cut", at: 4, UInt32(4096), "truncated"),
        step("edits-absurd", at: 4, UInt32.max, "countOverLimit"),
        step("rows", at: 8, UInt32(4097), "countOverLimit"),
        step("rows-cut", at: 8, UInt32(4096), "truncated"),
        step("rows-absurd", at: 8, UInt32.max, "countOverLimit"),
        step("width-0", at: 12, UInt32(0)),
        step("width", at: 12, UInt32(65_537), "countOverLimit"),
        step("width-cut", at: 12, UInt32(65_536), "truncated"),
        step("width-less", at: 12, UInt32(2), "trailingBytes"),
        step("edit-operation-0", at: 16, UInt32(0)), step("edit-operation-4", at: 16, UInt32(4)),
        step("release-source", at: 24, UInt32(1), "reservedNotZero"),
        step("release-length", at: 28, UInt32(1), "reservedNotZero"),
        step("truncate-source", at: 40, UInt32(1), "reservedNotZero"),
        step("fork-itself", at: 56, UInt32(2)),
        step("want-1025", at: 76, UInt16(1025)), step("want-65534", at: 76, UInt16(65_534)),
        step("row-reserved", at: 78, UInt16(1), "reservedNotZero"),
        step("timing-reserved", at: 98, UInt16(1), "reservedNotZero"),
        BadVector(
            "step-width-without-type", "invalidValue",
            patched(VectorCatalog.tokensStep, at: 12, littleEndian(UInt32(1)))),
        BadVector("step-activations", "countOverLimit", manyActivations),
        BadVector("step-all-logits", "countOverLimit", manyAllLogits),
    ]

    /// 1,025 rows of the largest width: one row more than 256 MiB.
    private static let manyActivations: [UInt8] = {
        let row = Row(slot: 0, position: 0, token: 0, want: .nothing)
        let step = Step(rows: [Row](repeating: row, count: 1025))
        let frame = Frame(epoch: 1, id: 1, message: .step(step))
        var bytes = frame.encoded()
        bytes[Limits.headerBytes] = 1
        let width = Limits.headerBytes + 12
        bytes.replaceSubrange(width..<width + 4, with: littleEndian(UInt32(65_536)))
        return resummed(bytes)
    }()

    /// 65 rows that want all logits, one over the limit; `want` is set behind the encoder's back.
    private static let manyAllLogits: [UInt8] = {
        let row = Row(slot: 0, position: 0, token: 0, want: .nothing)
        let count = Limits.allLogitsRowsMax + 1
        let frame = Frame(
            epoch: 1, id: 1, message: .step(Step(rows: [Row](repeating: row, count: count))))
        var bytes = frame.encoded()
        for index in 0..<count {
            let want = Limits.headerBytes + 16 + 16 * index + 12
            bytes.replaceSubrange(want..<want + 2, with: [255, 255])
        }
        return resummed(bytes)
    }()

    /// In `candidates-top`: trail at 8, rows at 40 and 84. In `candidates-all`: row at 8.
    static let predictions: [BadVector] = [
        top("rows", at: 0, UInt32(4097), "countOverLimit"),
        top("rows-cut", at: 0, UInt32(4096), "truncated"),
        top("rows-more", at: 0, UInt32(3), "truncated"),
        top("rows-less", at: 0, UInt32(1), "trailingBytes"),
        top("trail", at: 4, UInt16(257), "countOverLimit"),
        top("trail-cut", at: 4, UInt16(256), "truncated"),
        top("reserved", at: 6, UInt16(1), "reservedNotZero"),
        top("timing-reserved", at: 10, UInt16(1), "reservedNotZero"),
        top("form-0", at: 52, UInt16(0)), top("form-3", at: 52, UInt16(3)),
        top("row-reserved", at: 54, UInt16(1), "reservedNotZero"),
        top("count-0", at: 56, UInt32(0)),
        top("count", at: 56, UInt32(1025), "countOverLimit"),
        top("count-cut", at: 56, UInt32(1024), "truncated"),
        all("all-count-0", at: 24, UInt32(0)),
        all("all-count", at: 24, UInt32(1_048_577), "countOverLimit"),
        all("all-count-cut", at: 24, UInt32(1_048_576), "truncated"),
        all("all-count-less", at: 24, UInt32(4), "trailingBytes"),
        BadVector("candidates-all-rows", "countOverLimit", manyAllRows),
    ]

    private static let manyAllRows: [UInt8] = {
        let one = RowCandidates(slot: 0, position: 0, logSumExp: 0, logits: .all([0]))
        let frame = Frame(
            epoch: 1, id: 1, message: .candidates(Candidates(rows: [one], trail: [])))
        let row = frame.encoded().dropFirst(Limits.headerBytes + 8)
        let extra = (0..<Limits.allLogitsRowsMax).flatMap { _ in row }
        return patched(frame, at: 0, [UInt8(Limits.allLogitsRowsMax + 1)], adding: extra)
    }()

    private static func step(
        _ name: String, at offset: Int, _ value: some FixedWidthInteger,
        _ reason: String = "invalidValue"
    ) -> BadVector {
        BadVector(
            "step-" + name, reason,
            patched(VectorCatalog.activationsStep, at: offset, littleEndian(value)))
    }

    private static func top(
        _ name: String, at offset: Int, _ value: some FixedWidthInteger,
        _ reason: String = "invalidValue"
    ) -> BadVector {
        BadVector(
            "candidates-" + name, reason,
            patched(VectorCatalog.topCandidates, at: offset, littleEndian(value)))
    }

    private static func all(
        _ name: String, at offset: Int, _ value: some FixedWidthInteger,
        _ reason: String = "invalidValue"
    ) -> BadVector {
        BadVector(
            "candidates-" + name, reason,
            patched(VectorCatalog.allCandidates, at: offset, littleEndian(value)))
    }
}
