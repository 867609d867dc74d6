// SPDX-License-Identifier: Apache-2.0

/// Bytes that show how long a link takes to carry them.
package struct Probe: Sendable, Equatable {
    /// At most `Limits.probeBytesMax`.
    package var filler: [UInt8]

    package init(filler: [UInt8]) { self.filler = filler }
}

/// Sent back as soon as a probe has come.
package struct ProbeAnswer: Sendable, Equatable {
    /// Bytes of filler that came.
    package var count: UInt32

    package init(count: UInt32) { self.count = count }
}

extension Probe: Payload {
    var byteCount: Int { 4 + filler.count }

    func write(to writer: inout ByteWriter) {
        precondition(filler.count <= Limits.probeBytesMax, "a probe of \(filler.count) bytes")
        writer.u32(UInt32(filler.count))
        writer.rawBytes(filler)
    }

    init(from reader: inout ByteReader) throws(WireError) {
        let count = Int(try reader.u32())
        try reader.check("count", count: count, limit: Limits.probeBytesMax, size: 1)
        self.init(filler: try reader.rawBytes(count))
    }
}

extension ProbeAnswer: Payload {
    var byteCount: Int { Limits.probeAnswerPayloadBytes }

    func write(to writer: inout ByteWriter) { writer.u32(count) }

    init(from reader: inout ByteReader) throws(WireError) { self.init(count: try reader.u32()) }
}
