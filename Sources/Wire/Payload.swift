// SPDX-License-Identifier: Apache-2.0

/// What follows a frame's header: a type that reads and writes its own bytes.
protocol Payload {
    /// Exactly the bytes that `write` appends.
    var byteCount: Int { get }
    /// Values over a limit of `Limits` are programmers' errors.
    func write(to writer: inout ByteWriter)
    /// Checks each field before it is used; leaves the check for trailing bytes to the caller.
    init(from reader: inout ByteReader) throws(WireError)
}

extension Message {
    /// Nil for a message without fields.
    private var payload: (any Payload)? {
        switch self {
        case .hello(let value): value
        case .welcome(let value): value
        case .assignment(let value): value
        case .blobRequest(let value): value
        case .blobChunk(let value): value
        case .ready(let value): value
        case .heartbeat(let value): value
        case .error(let value): value
        case .drain, .bye, .spare, .released: nil
        case .preparation(let value): value
        case .prepared(let value): value
        case .stranded(let value): value
        case .probe(let value): value
        case .probeAnswer(let value): value
        case .dataHello(let value): value
        case .step(let value): value
        case .candidates(let value): value
        }
    }

    var payloadByteCount: Int { payload?.byteCount ?? 0 }

    func writePayload(to writer: inout ByteWriter) { payload?.write(to: &writer) }

    init(kind: MessageKind, payload: [UInt8]) throws(WireError) {
        var reader = ByteReader(payload)
        switch kind {
        case .hello: self = .hello(try Hello(from: &reader))
        case .welcome: self = .welcome(try Welcome(from: &reader))
        case .assignment: self = .assignment(try Assignment(from: &reader))
        case .blobRequest: self = .blobRequest(try BlobRequest(from: &reader))
        case .blobChunk: self = .blobChunk(try BlobChunk(from: &reader))
        case .ready: self = .ready(try Ready(from: &reader))
        case .heartbeat: self = .heartbeat(try Heartbeat(from: &reader))
        case .drain: self = .drain
        case .error: self = .error(try ErrorNotice(from: &reader))
        case .bye: self = .bye
        case .probe: self = .probe(try Probe(from: &reader))
        case .probeAnswer: self = .probeAnswer(try ProbeAnswer(from: &reader))
        case .preparation: self = .preparation(try Assignment(from: &reader))
        case .prepared: self = .prepared(try Prepared(from: &reader))
        case .spare: self = .spare
        case .released: self = .released
        case .stranded: self = .stranded(try Stranded(from: &reader))
        case .dataHello: self = .dataHello(try DataHello(from: &reader))
        case .step: self = .step(try Step(from: &reader))
        case .candidates: self = .candidates(try Candidates(from: &reader))
        }
        try reader.finish()
    }
}
