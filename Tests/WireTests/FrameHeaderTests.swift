// SPDX-License-Identifier: Apache-2.0

import Testing
import Wire

@Suite struct FrameHeaderTests {
    /// The length is refused from the header alone: no payload is there to be read.
    @Test(arguments: MessageKind.allCases)
    func lengthIsCheckedBeforeThePayload(_ kind: MessageKind) throws {
        let limit = Limits.payloadBytesMax(of: kind)
        #expect(try header(kind, payloadLength: UInt32(limit)).payloadLength == limit)
        for length in [UInt32(limit) + 1, .max] {
            let expected = WireError.payloadTooLong(kind: kind, length: Int(length), limit: limit)
            #expect(throws: expected) { try header(kind, payloadLength: length) }
        }
    }

    @Test(arguments: MessageKind.allCases)
    func firstFrameIsAHello(_ kind: MessageKind) throws {
        if kind == .hello || kind == .dataHello {
            let first = try header(kind, payloadLength: 20, isFirst: true)
            #expect(first.kind == kind)
            #expect(Limits.payloadBytesMax(of: kind) <= Limits.firstPayloadBytesMax)
        } else {
            #expect(throws: WireError.unexpectedFirstFrame(kind)) {
                try header(kind, payloadLength: 0, isFirst: true)
            }
        }
    }

    @Test func countsAreCheckedAsAWholeBeforeTheirItems() {
        let rows = patched(VectorCatalog.tokensStep, at: 8, littleEndian(UInt32(4096)))
        #expect(throws: WireError.truncated(needed: 65_536, available: 64)) { try decode(rows) }
        let logits = patched(VectorCatalog.allCandidates, at: 24, littleEndian(UInt32(1_048_576)))
        #expect(throws: WireError.truncated(needed: 4_194_304, available: 20)) {
            try decode(logits)
        }
    }

    @Test func fieldsAreRead() throws {
        let bytes = Array(VectorCatalog.activationsStep.encoded().prefix(Limits.headerBytes))
        let header = try FrameHeader(decoding: bytes)
        #expect(header.version == 1)
        #expect(header.kind == .step)
        #expect(header.payloadLength == 136)
        #expect(header.epoch == 7)
        #expect(header.id == .max)
        #expect(throws: WireError.trailingBytes(count: 1)) {
            try FrameHeader(decoding: bytes + [0])
        }
    }

    private func header(
        _ kind: MessageKind, payloadLength: UInt32, isFirst: Bool = false
    ) throws -> FrameHeader {
        var bytes = Array("CRVN".utf8) + [1, 0] + littleEndian(kind.rawValue) + [0, 0, 0, 0]
        bytes += littleEndian(payloadLength) + [UInt8](repeating: 0, count: 16)
        return try FrameHeader(decoding: bytes, isFirst: isFirst)
    }
}
