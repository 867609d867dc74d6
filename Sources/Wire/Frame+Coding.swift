// SPDX-License-Identifier: Apache-2.0

import CKernels

extension Frame {
    /// Of header and payload.
    package var byteCount: Int { Limits.headerBytes + message.payloadByteCount }

    /// The frame as it goes onto a link: header and payload in one buffer of exact size.
    package func encoded() -> [UInt8] {
        let header = FrameHeader(
            kind: message.kind, payloadLength: message.payloadByteCount, epoch: epoch, id: id)
        let byteCount = Limits.headerBytes + header.payloadLength
        var writer = ByteWriter(byteCount: byteCount)
        header.writeUnsummed(to: &writer)
        message.writePayload(to: &writer)
        precondition(writer.bytes.count == byteCount, "\(header.kind) misjudged its size")
        writer.patch(crc32c(writer.bytes), at: FrameHeader.checksumOffset)
        return writer.bytes
    }

    /// Checks the checksum, then decodes `payload`, which must be all of the frame's.
    package init(header: FrameHeader, payload: [UInt8]) throws(WireError) {
        guard payload.count >= header.payloadLength else {
            throw .truncated(needed: header.payloadLength, available: payload.count)
        }
        guard payload.count == header.payloadLength else {
            throw .trailingBytes(count: payload.count - header.payloadLength)
        }
        var writer = ByteWriter(byteCount: Limits.headerBytes)
        header.writeUnsummed(to: &writer)
        let computed = crc32c(payload, continuing: crc32c(writer.bytes))
        guard computed == header.checksum else {
            throw .checksumMismatch(stated: header.checksum, computed: computed)
        }
        self.init(
            epoch: header.epoch, id: header.id,
            message: try Message(kind: header.kind, payload: payload))
    }
}

/// CRC-32C of `bytes` after bytes whose sum is `sum`.
private func crc32c(_ bytes: [UInt8], continuing sum: UInt32 = 0) -> UInt32 {
    bytes.withUnsafeBytes { ck_crc32c(sum, $0.baseAddress, $0.count) }
}
