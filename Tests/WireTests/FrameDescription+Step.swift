// SPDX-License-Identifier: Apache-2.0

import Wire

func members(of step: Step) -> [String: JSONText] {
    let count: Int
    var members: [String: JSONText] = [:]
    switch step.activations {
    case .none:
        count = 0
        members["activations"] = .list([])
    case .f32(let values):
        count = values.count
        members["activations"] = .list(values.map { .float($0) })
    case .f16(let halves):
        count = halves.count
        members["halves"] = .list(halves.map { .number($0) })
    case .q8(let scales, let codes):
        count = codes.count
        members["scales"] = .list(scales.map { .float($0) })
        members["codes"] = .string(hexadecimal(codes.map { UInt8(bitPattern: $0) }))
    }
    members["wireType"] = .string(step.activations.wireType?.name ?? "none")
    members["edits"] = .list(step.edits.map(describe))
    members["rows"] = .list(step.rows.map(describe))
    members["trail"] = .list(step.trail.map { describe($0) })
    members["width"] = .number(step.rows.isEmpty ? 0 : count / step.rows.count)
    return members
}

func describe(_ timing: StageTiming) -> JSONText {
    .object([
        "stage": .number(timing.stage), "waitMicroseconds": .number(timing.waitMicroseconds),
        "computeMicroseconds": .number(timing.computeMicroseconds),
        "sendMicroseconds": .number(timing.sendMicroseconds),
    ])
}

func describe(_ row: RowCandidates) -> JSONText {
    var members: [String: JSONText] = [
        "slot": .number(row.slot), "position": .number(row.position),
        "logSumExp": .float(row.logSumExp),
    ]
    switch row.logits {
    case .top(let candidates):
        members["top"] = .list(
            candidates.map { .object(["id": .number($0.id), "logit": .float($0.logit)]) })
    case .all(let logits):
        members["all"] = .list(logits.map { .float($0) })
    }
    return .object(members)
}

private func describe(_ edit: KVEdit) -> JSONText {
    switch edit {
    case .release(let slot):
        .object(["operation": .string("release"), "slot": .number(slot)])
    case .truncate(let slot, let length):
        .object([
            "operation": .string("truncate"), "slot": .number(slot), "length": .number(length),
        ])
    case .fork(let slot, let source, let length):
        .object([
            "operation": .string("fork"), "slot": .number(slot), "source": .number(source),
            "length": .number(length),
        ])
    }
}

private func describe(_ row: Row) -> JSONText {
    let want: UInt16 =
        switch row.want {
        case .nothing: 0
        case .candidates(let count): count
        case .allLogits: 0xFFFF
        }
    return .object([
        "slot": .number(row.slot), "position": .number(row.position),
        "token": .number(row.token), "want": .number(want),
    ])
}
