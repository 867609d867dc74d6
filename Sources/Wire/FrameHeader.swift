// SPDX-License-Identifier: Apache-2.0

/// The 32 bytes before every payload, checked; PROTOCOL.md section 3.
package struct FrameHeader: Sendable, Equatable {
    /// `CRVN` as a little-endian number.
    package static let magic: UInt32 = 0x4E56_5243
    static let checksumOffset = 20

    package let version: UInt16
    package let kind: MessageKind
    /// At most `Limits.payloadBytesMax(of: kind)`.
    package let payloadLength: Int
    package let epoch: UInt32
    /// CRC-32C as the sender stated it; compared when the payload is there.
    package let checksum: UInt32
    package let id: UInt64

    init(kind: MessageKind, payloadLength: Int, epoch: UInt32, id: UInt64) {
        let limit = Limits.payloadBytesMax(of: kind)
        precondition(
            payloadLength <= limit, "\(kind) of \(payloadLength) bytes is over its limit \(limit)")
        version = Limits.protocolVersionMax
        self.kind = kind
        self.payloadLength = payloadLength
        self.epoch = epoch
        checksum = 0
        self.id = id
    }

    /// Checks `bytes`, which should be `Limits.headerBytes` long, in the order PROTOCOL.md gives.
    ///
    /// - Parameter isFirst: whether this is a connection's first frame, which must be `hello` or
    ///   `dataHello` and so can ask for `Limits.firstPayloadBytesMax` bytes at most.
    package init(decoding bytes: [UInt8], isFirst: Bool = false) throws(WireError) {
        var reader = ByteReader(bytes)
        try reader.require(Limits.headerBytes)
        let magic = try reader.u32()
        guard magic == Self.magic else { throw .badMagic(magic) }
        version = try reader.u16()
        guard (Limits.protocolVersionMin...Limits.protocolVersionMax).contains(version) else {
            throw .unsupportedVersion(version)
        }
        let kindNumber = try reader.u16()
        guard let kind = MessageKind(rawValue: kindNumber) else { throw .unknownKind(kindNumber) }
        self.kind = kind
        if isFirst, kind != .hello, kind != .dataHello { throw .unexpectedFirstFrame(kind) }
        let flags = try reader.u16()
        guard flags == 0 else { throw .flagsNotZero(flags) }
        try reader.reserved16("header")
        payloadLength = Int(try reader.u32())
        let limit = Limits.payloadBytesMax(of: kind)
        guard payloadLength <= limit else {
            throw .payloadTooLong(kind: kind, length: payloadLength, limit: limit)
        }
        epoch = try reader.u32()
        checksum = try reader.u32()
        id = try reader.u64()
        try reader.finish()
    }

    /// Writes the header with its checksum field zero, as the checksum is computed.
    func writeUnsummed(to writer: inout ByteWriter) {
        writer.u32(Self.magic)
        writer.u16(version)
        writer.u16(kind.rawValue)
        writer.u16(0)
        writer.u16(0)
        writer.u32(UInt32(payloadLength))
        writer.u32(epoch)
        writer.u32(0)
        writer.u64(id)
    }
}
