// SPDX-License-Identifier: Apache-2.0

import CKernels
import Wire

/// Decodes a frame as a link does: the header first, then the payload.
func decode(_ bytes: [UInt8]) throws(WireError) -> Frame {
    let header = try FrameHeader(decoding: Array(bytes.prefix(Limits.headerBytes)))
    return try Frame(header: header, payload: Array(bytes.dropFirst(Limits.headerBytes)))
}

/// `bytes` with the checksum its contents call for, so that damage gets past the checksum.
func resummed(_ bytes: [UInt8]) -> [UInt8] {
    guard bytes.count >= Limits.headerBytes else { return bytes }
    var bytes = bytes
    bytes.replaceSubrange(20..<24, with: [0, 0, 0, 0])
    let sum = ck_crc32c(0, bytes, bytes.count)
    bytes.replaceSubrange(20..<24, with: littleEndian(sum))
    return bytes
}

/// `frame` with bytes of its payload replaced, then as many added, and length and checksum right.
func patched(
    _ frame: Frame, at offset: Int, _ replacement: [UInt8], adding extra: [UInt8] = [],
    keeping payloadCount: Int? = nil
) -> [UInt8] {
    var bytes = frame.encoded()
    let start = Limits.headerBytes + offset
    bytes.replaceSubrange(start..<start + replacement.count, with: replacement)
    if let payloadCount { bytes = Array(bytes.prefix(Limits.headerBytes + payloadCount)) }
    bytes += extra
    bytes.replaceSubrange(12..<16, with: littleEndian(UInt32(bytes.count - Limits.headerBytes)))
    return resummed(bytes)
}

/// `frame` with bytes of its header replaced and the checksum right.
func patchedHeader(_ frame: Frame, at offset: Int, _ replacement: [UInt8]) -> [UInt8] {
    var bytes = frame.encoded()
    bytes.replaceSubrange(offset..<offset + replacement.count, with: replacement)
    return resummed(bytes)
}

func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
}

/// The name PROTOCOL.md section 8 gives the error.
func reason(of error: WireError) -> String {
    Mirror(reflecting: error).children.first?.label ?? ""
}
