// SPDX-License-Identifier: Apache-2.0

extension Candidates: Payload {
    var byteCount: Int {
        rows.reduce(8 + trail.count * StageTiming.byteCount) { $0 + $1.byteCount }
    }

    func write(to writer: inout ByteWriter) {
        precondition(rows.count <= Limits.rowsMax, "\(rows.count) rows of candidates")
        precondition(trail.count <= Limits.stagesMax, "\(trail.count) timings in a trail")
        writer.u32(UInt32(rows.count))
        writer.u16(UInt16(trail.count))
        writer.u16(0)
        for timing in trail { timing.write(to: &writer) }
        for row in rows { row.write(to: &writer) }
    }

    init(from reader: inout ByteReader) throws(WireError) {
        let rowCount = Int(try reader.u32())
        let trailCount = Int(try reader.u16())
        try reader.reserved16("candidates")
        try reader.check(
            "rowCount", count: rowCount, limit: Limits.rowsMax, size: RowCandidates.byteCountMin)
        try reader.check(
            "trailCount", count: trailCount, limit: Limits.stagesMax, size: StageTiming.byteCount)
        self.init(rows: [], trail: try StageTiming.table(from: &reader, count: trailCount))
        rows.reserveCapacity(rowCount)
        var allLogitsCount = 0
        for _ in 0..<rowCount {
            let row = try RowCandidates(from: &reader)
            if case .all = row.logits { allLogitsCount += 1 }
            guard allLogitsCount <= Limits.allLogitsRowsMax else {
                throw .countOverLimit(
                    field: "rows with all logits", count: allLogitsCount,
                    limit: Limits.allLogitsRowsMax)
            }
            rows.append(row)
        }
    }
}

extension RowCandidates {
    private static let fixedByteCount = 20
    /// With one logit.
    static let byteCountMin = fixedByteCount + 4

    /// Append-only numbers.
    private enum Form {
        static let top: UInt16 = 1
        static let all: UInt16 = 2
    }

    var byteCount: Int {
        switch logits {
        case .top(let candidates): Self.fixedByteCount + 8 * candidates.count
        case .all(let values): Self.fixedByteCount + 4 * values.count
        }
    }

    func write(to writer: inout ByteWriter) {
        writer.u32(slot)
        writer.u32(position)
        writer.f32(logSumExp)
        switch logits {
        case .top(let candidates):
            precondition(
                (1...Limits.candidatesMax).contains(candidates.count),
                "\(candidates.count) candidates")
            writer.u16(Form.top)
            writer.u16(0)
            writer.u32(UInt32(candidates.count))
            for candidate in candidates {
                writer.u32(candidate.id)
                writer.f32(candidate.logit)
            }
        case .all(let values):
            precondition(
                (1...Limits.vocabularyMax).contains(values.count), "\(values.count) logits")
            writer.u16(Form.all)
            writer.u16(0)
            writer.u32(UInt32(values.count))
            writer.numbers(values)
        }
    }

    init(from reader: inout ByteReader) throws(WireError) {
        let slot = try reader.u32()
        let position = try reader.u32()
        let logSumExp = try reader.f32()
        let form = try reader.u16()
        guard form == Form.top || form == Form.all else {
            throw .invalidValue(field: "form", value: "\(form)")
        }
        try reader.reserved16("prediction")
        let count = Int(try reader.u32())
        guard count > 0 else { throw .invalidValue(field: "count", value: "0") }
        let logits: Logits
        if form == Form.top {
            try reader.check("count", count: count, limit: Limits.candidatesMax, size: 8)
            var candidates: [Candidate] = []
            candidates.reserveCapacity(count)
            for _ in 0..<count {
                candidates.append(Candidate(id: try reader.u32(), logit: try reader.f32()))
            }
            logits = .top(candidates)
        } else {
            try reader.check("count", count: count, limit: Limits.vocabularyMax, size: 4)
            logits = .all(try reader.numbers(count))
        }
        self.init(slot: slot, position: position, logSumExp: logSumExp, logits: logits)
    }
}
