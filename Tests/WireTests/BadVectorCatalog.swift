// SPDX-License-Identifier: Apache-2.0

import Testing
import Wire

/// A frame that must be rejected, kept as `proto/vectors/bad/NAME.hex`.
struct BadVector: Sendable, CustomTestStringConvertible {
    let name: String
    let reason: String
    let bytes: [UInt8]

    var testDescription: String { name }

    init(_ name: String, _ reason: String, _ bytes: [UInt8]) {
        self.name = name
        self.reason = reason
        self.bytes = bytes
    }
}

/// One frame for each check of the protocol. Offsets are those of PROTOCOL.md's tables.
enum BadVectorCatalog {
    static let all: [BadVector] = header + joining + shipping + steps + predictions

    private typealias Good = VectorCatalog

    private static let header = [
        BadVector("empty", "truncated", []),
        BadVector("header-short", "truncated", Array(Good.welcome.encoded().prefix(31))),
        BadVector("magic", "badMagic", patchedHeader(Good.welcome, at: 0, [0x47])),
        BadVector("version-old", "unsupportedVersion", patchedHeader(Good.hello, at: 4, [0, 0])),
        BadVector("version-new", "unsupportedVersion", patchedHeader(Good.hello, at: 4, [2, 0])),
        BadVector("kind-0", "unknownKind", patchedHeader(Good.welcome, at: 6, [0, 0])),
        BadVector("kind-21", "unknownKind", patchedHeader(Good.welcome, at: 6, [21, 0])),
        BadVector("kind-high", "unknownKind", patchedHeader(Good.welcome, at: 6, [1, 1])),
        BadVector("flags", "flagsNotZero", patchedHeader(Good.welcome, at: 8, [1, 0])),
        BadVector("header-reserved", "reservedNotZero", patchedHeader(Good.welcome, at: 11, [1])),
        BadVector(
            "length-absurd", "payloadTooLong",
            patchedHeader(Good.tokensStep, at: 12, [255, 255, 255, 255])),
        BadVector("bye-payload", "payloadTooLong", withPayload(.bye)),
        BadVector("drain-payload", "payloadTooLong", withPayload(.drain)),
        BadVector("spare-payload", "payloadTooLong", withPayload(.spare)),
        BadVector("released-payload", "payloadTooLong", withPayload(.released)),
        BadVector("payload-short", "truncated", Array(Good.welcome.encoded().dropLast())),
        BadVector("payload-long", "trailingBytes", Good.welcome.encoded() + [0]),
        BadVector("checksum-header", "checksumMismatch", damaged(Good.welcome, at: 31)),
        BadVector("checksum-payload", "checksumMismatch", damaged(Good.tokensStep, at: 60)),
        BadVector("checksum-field", "checksumMismatch", damaged(Good.welcome, at: 20)),
    ]

    private static func withPayload(_ message: Message) -> [UInt8] {
        Array(patched(Frame(epoch: 0, id: 0, message: message), at: 0, [], adding: [0]))
    }

    private static func damaged(_ frame: Frame, at offset: Int) -> [UInt8] {
        var bytes = frame.encoded()
        bytes[offset] ^= 0x10
        return bytes
    }

    private static let joining = [
        BadVector("hello-range", "invalidValue", patched(Good.hello, at: 0, [2, 0, 1, 0])),
        BadVector("hello-name-long", "textTooLong", patched(Good.hello, at: 32, [0, 1])),
        BadVector("hello-name-cut", "truncated", patched(Good.hello, at: 32, [255, 0])),
        BadVector("hello-name-utf8", "invalidText", patched(Good.hello, at: 34, [0xC3, 0x28])),
        BadVector("hello-name-overlong", "invalidText", patched(Good.hello, at: 34, [0xC0, 0x80])),
        BadVector("hello-name-control", "invalidText", patched(Good.hello, at: 34, [0x1B])),
        BadVector("hello-name-c1", "invalidText", patched(Good.hello, at: 34, [0xC2, 0x9B])),
        BadVector(
            "hello-trailing", "trailingBytes", patched(Good.hello, at: 0, [], adding: [0])),
        BadVector(
            "welcome-heartbeat-0", "invalidValue", patched(Good.welcome, at: 2, [0, 0, 0, 0])),
        BadVector(
            "welcome-heartbeat-slow", "invalidValue", patched(Good.welcome, at: 2, [233, 3])),
        BadVector(
            "heartbeat-short", "truncated", patched(Good.heartbeat, at: 0, [], keeping: 67)),
        BadVector("prepared-short", "truncated", patched(Good.prepared, at: 0, [], keeping: 9)),
        BadVector("prepared-failure-long", "textTooLong", patched(Good.prepared, at: 8, [1, 4])),
        BadVector("prepared-failure-control", "invalidText", patched(Good.prepared, at: 10, [10])),
        BadVector("prepared-trailing", "trailingBytes", patched(Good.prepared, at: 8, [0, 0])),
        BadVector("stranded-short", "truncated", patched(Good.stranded, at: 0, [], keeping: 1)),
        BadVector("stranded-reason-long", "textTooLong", patched(Good.stranded, at: 0, [1, 4])),
        BadVector("stranded-reason-control", "invalidText", patched(Good.stranded, at: 2, [10])),
        BadVector("stranded-trailing", "trailingBytes", patched(Good.stranded, at: 0, [0, 0])),
        BadVector("probe-long", "countOverLimit", patched(Good.probe, at: 0, [1, 0, 8, 0])),
        BadVector("probe-cut", "truncated", patched(Good.probe, at: 0, [6])),
        BadVector("probe-trailing", "trailingBytes", patched(Good.probe, at: 0, [4])),
        BadVector("error-code-0", "invalidValue", patched(Good.error, at: 0, [0, 0])),
        BadVector("error-code-10", "invalidValue", patched(Good.error, at: 0, [10, 0])),
        BadVector("error-reserved", "reservedNotZero", patched(Good.error, at: 2, [1])),
        BadVector("error-message-long", "textTooLong", patched(Good.error, at: 4, [1, 4])),
        BadVector("data-hello-stage", "invalidValue", patched(Good.dataHello, at: 18, [0, 1])),
    ]

    private static let shipping: [BadVector] = [
        assignment("layers-0", at: 0, UInt32(0)), assignment("width-0", at: 4, UInt32(0)),
        assignment("width", at: 4, UInt32(65_537)),
        assignment("feed-forward", at: 8, UInt32(1_048_577)),
        assignment("heads-0", at: 12, UInt32(0)), assignment("heads-kv", at: 16, UInt32(10)),
        assignment("head-size", at: 20, UInt32(4097)), assignment("rope", at: 24, UInt32(65)),
        assignment("vocabulary", at: 28, UInt32(1_048_577)),
        assignment("context", at: 32, UInt32(0)),
        assignment("rope-base-nan", at: 36, Float.nan.bitPattern),
        assignment("rope-scale-0", at: 40, Float(0).bitPattern),
        assignment("epsilon", at: 44, Float(-1).bitPattern),
        assignment("stage", at: 48, UInt16(3)), assignment("stages-0", at: 50, UInt16(0)),
        assignment("stages", at: 50, UInt16(257)), assignment("no-layers", at: 52, UInt32(20)),
        assignment("layer-end", at: 56, UInt32(31)), assignment("slots-0", at: 60, UInt32(0)),
        assignment("slot-context-0", at: 64, UInt32(0)), assignment("rows-0", at: 68, UInt32(0)),
        assignment("rows", at: 68, UInt32(4097)),
        assignment("wire-type-0", at: 72, UInt8(0)), assignment("wire-type-4", at: 72, UInt8(4)),
        assignment("wire-type-width", at: 4, UInt32(577)),
        assignment("cache-type-1", at: 73, UInt8(1)), assignment("cache-type-4", at: 73, UInt8(4)),
        assignment("reserved-16", at: 74, UInt16(1), "reservedNotZero"),
        assignment("pages-0", at: 76, UInt32(0)), assignment("pages", at: 76, UInt32(16_777_217)),
        assignment("page-positions-0", at: 80, UInt32(0)),
        assignment("page-positions-48", at: 80, UInt32(48)),
        assignment("page-positions", at: 80, UInt32(4128)),
        assignment("blobs", at: 96, UInt32(4097), "countOverLimit"),
        assignment("blobs-cut", at: 96, UInt32(4096), "truncated"),
        assignment("blob-empty", at: 132, UInt64(0)),
        assignment("blob-huge", at: 132, UInt64(1) << 41),
        assignment("tensors", at: 140, UInt32(1025), "countOverLimit"),
        assignment("tensors-cut", at: 140, UInt32(1024), "truncated"),
        assignment("tensor-dimensions-0", at: 173, UInt8(0)),
        assignment("tensor-dimensions-5", at: 173, UInt8(5)),
        assignment("tensor-dimension-0", at: 174, UInt64(0)),
        assignment("tensor-offset", at: 182, UInt64(1_990_656)),
        BadVector(
            "blob-request-short", "truncated", patched(Good.blobRequest, at: 0, [], keeping: 47)),
        BadVector(
            "blob-request-count-0", "invalidValue",
            patched(Good.blobRequest, at: 40, littleEndian(UInt64(0)))),
        BadVector("blob-chunk-empty", "invalidValue", patched(Good.blobChunk, at: 40, [0])),
        BadVector(
            "blob-chunk-over-limit", "countOverLimit",
            patched(Good.blobChunk, at: 40, littleEndian(UInt32(1_048_577)))),
        BadVector("blob-chunk-cut", "truncated", patched(Good.blobChunk, at: 40, [38])),
        BadVector("blob-chunk-trailing", "trailingBytes", patched(Good.blobChunk, at: 40, [36])),
        BadVector(
            "blob-chunk-overflow", "invalidValue",
            patched(Good.blobChunk, at: 32, littleEndian(UInt64.max))),
    ]

    private static func assignment(
        _ name: String, at offset: Int, _ value: some FixedWidthInteger,
        _ reason: String = "invalidValue"
    ) -> BadVector {
        BadVector(
            "assignment-" + name, reason,
            patched(VectorCatalog.assignment, at: offset, littleEndian(value)))
    }
}
