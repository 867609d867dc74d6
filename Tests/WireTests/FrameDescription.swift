// SPDX-License-Identifier: Apache-2.0

import Wire

/// What a frame says, as `proto/vectors/NAME.json` writes it; PROTOCOL.md section 10.
func describe(_ frame: Frame) -> JSONText {
    .object([
        "version": .number(1 as UInt16),
        "kind": .string("\(frame.message.kind)"),
        "payloadLength": .number(frame.encoded().count - Limits.headerBytes),
        "epoch": .number(frame.epoch),
        "id": .number(frame.id),
        "message": .object(members(of: frame.message)),
    ])
}

private func members(of message: Message) -> [String: JSONText] {
    switch message {
    case .hello(let value): members(of: value)
    case .welcome(let value):
        [
            "protocolVersion": .number(value.protocolVersion),
            "heartbeatMilliseconds": .number(value.heartbeatMilliseconds),
        ]
    case .assignment(let value): members(of: value)
    case .blobRequest(let value):
        [
            "digest": .string(hexadecimal(value.digest.bytes)), "offset": .number(value.offset),
            "count": .number(value.count),
        ]
    case .blobChunk(let value):
        [
            "digest": .string(hexadecimal(value.digest.bytes)), "offset": .number(value.offset),
            "bytes": .string(hexadecimal(value.bytes)),
        ]
    case .ready(let value):
        [
            "residentBytes": .number(value.residentBytes),
            "shippedBytes": .number(value.shippedBytes),
        ]
    case .heartbeat(let value): members(of: value)
    case .error(let value):
        ["code": .string("\(value.code)"), "message": .string(value.message)]
    case .drain, .bye, .spare, .released: [:]
    case .preparation(let value): members(of: value)
    case .prepared(let value):
        ["shippedBytes": .number(value.shippedBytes), "failure": .string(value.failure)]
    case .stranded(let value): ["reason": .string(value.reason)]
    case .probe(let value): ["filler": .string(hexadecimal(value.filler))]
    case .probeAnswer(let value): ["count": .number(value.count)]
    case .dataHello(let value):
        [
            "protocolVersion": .number(value.protocolVersion), "node": describe(value.node),
            "fromStage": .number(value.fromStage),
        ]
    case .step(let value): members(of: value)
    case .candidates(let value):
        [
            "rows": .list(value.rows.map(describe)),
            "trail": .list(value.trail.map { describe($0) }),
        ]
    }
}

private func describe(_ node: NodeID) -> JSONText {
    .string(hexadecimal(node.high) + hexadecimal(node.low))
}

private func members(of hello: Hello) -> [String: JSONText] {
    [
        "protocolMin": .number(hello.protocolMin), "protocolMax": .number(hello.protocolMax),
        "node": describe(hello.node), "name": .string(hello.name),
        "dataAddress": .string(hello.dataAddress), "cores": .number(hello.cores),
        "threads": .number(hello.threads), "isa": .string(hello.isa),
        "softwareVersion": .string(hello.softwareVersion),
        "memoryBudgetBytes": .number(hello.memoryBudgetBytes), "host": describe(hello.host),
        "freeMemoryBytes": .number(hello.freeMemoryBytes),
        "readBytesPerSecond": .number(hello.speed.readBytesPerSecond),
        "hostReadBytesPerSecond": .number(hello.speed.hostReadBytesPerSecond),
        "int8OperationsPerSecond": .number(hello.speed.int8OperationsPerSecond),
        "f32OperationsPerSecond": .number(hello.speed.f32OperationsPerSecond),
        "loopNanoseconds": .number(hello.speed.loopNanoseconds),
    ]
}

private func members(of heartbeat: Heartbeat) -> [String: JSONText] {
    [
        "stepCount": .number(heartbeat.stepCount), "rowCount": .number(heartbeat.rowCount),
        "computeMicroseconds": .number(heartbeat.computeMicroseconds),
        "waitMicroseconds": .number(heartbeat.waitMicroseconds),
        "sendMicroseconds": .number(heartbeat.sendMicroseconds),
        "residentBytes": .number(heartbeat.residentBytes),
        "roundTripMicroseconds": .number(heartbeat.roundTripMicroseconds),
        "receivedBytes": .number(heartbeat.receivedBytes),
        "sentBytes": .number(heartbeat.sentBytes),
        "nextRoundTripMicroseconds": .number(heartbeat.nextRoundTripMicroseconds),
        "nextBytesPerSecond": .number(heartbeat.nextBytesPerSecond),
        "linkBytesPerSecond": .number(heartbeat.linkBytesPerSecond),
    ]
}

private func members(of assignment: Assignment) -> [String: JSONText] {
    [
        "shape": describe(assignment.shape), "stage": .number(assignment.stage),
        "stageCount": .number(assignment.stageCount),
        "layerStart": .number(assignment.layerStart), "layerEnd": .number(assignment.layerEnd),
        "slotCount": .number(assignment.slotCount),
        "contextLength": .number(assignment.contextLength),
        "rowCountMax": .number(assignment.rowCountMax),
        "wireType": .string(assignment.wireType.name),
        "cacheType": .string(assignment.cacheType.name),
        "pageCount": .number(assignment.pageCount),
        "pagePositionCount": .number(assignment.pagePositionCount),
        "nextAddress": .string(assignment.nextAddress),
        "blobs": .list(assignment.blobs.map(describe)),
    ]
}

private func describe(_ shape: ModelShape) -> JSONText {
    .object([
        "layerCount": .number(shape.layerCount),
        "embeddingLength": .number(shape.embeddingLength),
        "feedForwardLength": .number(shape.feedForwardLength),
        "headCount": .number(shape.headCount), "headCountKV": .number(shape.headCountKV),
        "headSize": .number(shape.headSize),
        "ropeDimensionCount": .number(shape.ropeDimensionCount),
        "vocabularySize": .number(shape.vocabularySize),
        "contextLength": .number(shape.contextLength), "ropeBase": .float(shape.ropeBase),
        "ropeScale": .float(shape.ropeScale), "rmsEpsilon": .float(shape.rmsEpsilon),
    ])
}

private func describe(_ blob: BlobDescription) -> JSONText {
    let tensors = blob.tensors.map { tensor in
        JSONText.object([
            "name": .string(tensor.name), "type": .number(tensor.type),
            "shape": .list(tensor.shape.map { .number($0) }), "offset": .number(tensor.offset),
        ])
    }
    return .object([
        "digest": .string(hexadecimal(blob.digest.bytes)), "byteCount": .number(blob.byteCount),
        "tensors": .list(tensors),
    ])
}
