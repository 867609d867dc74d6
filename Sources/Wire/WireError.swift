// SPDX-License-Identifier: Apache-2.0

/// Why bytes from a peer are not a frame of this protocol; PROTOCOL.md section 8 lists the names.
package enum WireError: Error, Equatable, Sendable {
    /// `needed` bytes were wanted where only `available` were left.
    case truncated(needed: Int, available: Int)
    case badMagic(UInt32)
    case unsupportedVersion(UInt16)
    case unknownKind(UInt16)
    case flagsNotZero(UInt16)
    case reservedNotZero(field: String)
    case payloadTooLong(kind: MessageKind, length: Int, limit: Int)
    case checksumMismatch(stated: UInt32, computed: UInt32)
    case trailingBytes(count: Int)
    case countOverLimit(field: String, count: Int, limit: Int)
    case textTooLong(field: String, length: Int, limit: Int)
    case invalidText(field: String)
    case invalidValue(field: String, value: String)
    case unexpectedFirstFrame(MessageKind)
}

extension WireError {
    /// The notice to send to the peer before closing.
    package var notice: ErrorNotice {
        let code: ErrorNotice.Code =
            switch self {
            case .unsupportedVersion: .unsupportedVersion
            case .unexpectedFirstFrame: .unexpectedFrame
            default: .malformed
            }
        return ErrorNotice(code: code, message: description)
    }
}

extension WireError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .truncated(let needed, let available):
            "frame is truncated: \(needed) more bytes needed, \(available) left"
        case .badMagic(let magic):
            "not a Caravan frame: it begins with \(hexadecimal(magic)) "
                + "instead of \(hexadecimal(FrameHeader.magic)); is this the right port?"
        case .unsupportedVersion(let version):
            "frame has protocol version \(version), this side speaks "
                + "\(Limits.protocolVersionMin) to \(Limits.protocolVersionMax); "
                + "run the same release on both"
        case .unknownKind(let kind):
            "frame is of unknown kind \(kind); run the same release on both sides"
        case .flagsNotZero(let flags):
            "frame has flags \(hexadecimal(UInt32(flags))), which must be 0 in this version"
        case .reservedNotZero(let field):
            "reserved field \(field) is not 0"
        case .payloadTooLong(let kind, let length, let limit):
            "\(kind) frame states a payload of \(length) bytes, over its limit of \(limit)"
        case .checksumMismatch(let stated, let computed):
            "frame is damaged: its checksum is \(hexadecimal(computed)), "
                + "its header says \(hexadecimal(stated))"
        case .trailingBytes(let count):
            "\(count) bytes are left over at the end of the frame"
        case .countOverLimit(let field, let count, let limit):
            "\(field) is \(count), over its limit of \(limit)"
        case .textTooLong(let field, let length, let limit):
            "\(field) has \(length) bytes, over its limit of \(limit)"
        case .invalidText(let field):
            "\(field) is not UTF-8 or holds a control character"
        case .invalidValue(let field, let value):
            "\(field) has the impossible value \(value)"
        case .unexpectedFirstFrame(let kind):
            "the first frame is \(kind); it must be hello or dataHello"
        }
    }

    private func hexadecimal(_ value: UInt32) -> String { "0x" + String(value, radix: 16) }
}
