// SPDX-License-Identifier: Apache-2.0

/// Every bound of the protocol, by name; PROTOCOL.md gives the same numbers.
///
/// A length from a peer is compared with its bound before anything is allocated for it.
package enum Limits {
    // Frames.
    package static let protocolVersionMin: UInt16 = 1
    package static let protocolVersionMax: UInt16 = 1
    package static let headerBytes = 32

    // Text, in bytes of UTF-8.
    package static let nameBytesMax = 255
    package static let messageBytesMax = 1024

    // Joining.
    package static let heartbeatMillisecondsMax: UInt32 = 1000
    /// Data links a worker holds whose epoch it has not been assigned yet.
    package static let pendingLinksMax = 4

    // Probes: filler of one, and all of one link.
    package static let probeBytesMax = 524_288
    package static let probedBytesMax = 1_048_576
    package static let probesMax = 8

    // Assignments.
    package static let stagesMax = 256
    package static let layersMax: UInt32 = 4096
    package static let widthMax = 65_536
    package static let feedForwardLengthMax: UInt32 = 1_048_576
    package static let headsMax: UInt32 = 4096
    package static let headSizeMax: UInt32 = 4096
    package static let vocabularyMax = 1_048_576
    package static let contextLengthMax: UInt32 = 16_777_216
    package static let slotsMax: UInt32 = 65_536
    package static let pagesMax: UInt32 = 16_777_216
    package static let pagePositionsMax: UInt32 = 4096
    /// A page has a multiple of as many positions.
    package static let pagePositionsUnit: UInt32 = 32
    package static let blobsMax = 4096
    package static let blobBytesMax: UInt64 = 1 << 40
    package static let tensorsPerBlobMax = 1024
    package static let dimensionsMax = 4
    package static let blobChunkBytesMax = 1_048_576

    // Steps.
    package static let rowsMax = 4096
    package static let editsMax = 4096
    package static let candidatesMax = 1024
    /// Rows of one step that may ask for all logits, so that their answer has a bound as well.
    package static let allLogitsRowsMax = 64
    package static let activationBytesMax = 268_435_456

    // Payloads, in bytes.
    package static let helloPayloadBytesMax =
        32 + 4 * (2 + nameBytesMax) + helloMeasuredBytes
    /// Host, free memory and speeds at the end of a `hello`.
    package static let helloMeasuredBytes = 60
    package static let welcomePayloadBytes = 6
    package static let assignmentPayloadBytesMax = 4_194_304
    package static let blobRequestPayloadBytes = 48
    package static let blobChunkPayloadBytesMax = 44 + blobChunkBytesMax
    package static let readyPayloadBytes = 16
    package static let heartbeatPayloadBytes = 88
    package static let preparedPayloadBytesMax = 8 + 2 + messageBytesMax
    package static let strandedPayloadBytesMax = 2 + messageBytesMax
    package static let errorPayloadBytesMax = 4 + 2 + messageBytesMax
    package static let dataHelloPayloadBytes = 20
    package static let probePayloadBytesMax = 4 + probeBytesMax
    package static let probeAnswerPayloadBytes = 4
    package static let stepPayloadBytesMax =
        16 + 16 * (editsMax + rowsMax + stagesMax) + activationBytesMax
    package static let candidatesPayloadBytesMax =
        8 + 16 * stagesMax + rowsMax * (20 + 8 * candidatesMax)
        + allLogitsRowsMax * 4 * vocabularyMax
    /// A connection's first frame is `hello` or `dataHello`: strangers get no more room than that.
    package static let firstPayloadBytesMax = max(helloPayloadBytesMax, dataHelloPayloadBytes)

    /// The most bytes a frame of `kind` may carry.
    package static func payloadBytesMax(of kind: MessageKind) -> Int {
        switch kind {
        case .hello: helloPayloadBytesMax
        case .welcome: welcomePayloadBytes
        case .assignment: assignmentPayloadBytesMax
        case .blobRequest: blobRequestPayloadBytes
        case .blobChunk: blobChunkPayloadBytesMax
        case .ready: readyPayloadBytes
        case .heartbeat: heartbeatPayloadBytes
        case .error: errorPayloadBytesMax
        case .drain, .bye, .spare, .released: 0
        case .preparation: assignmentPayloadBytesMax
        case .prepared: preparedPayloadBytesMax
        case .stranded: strandedPayloadBytesMax
        case .probe: probePayloadBytesMax
        case .probeAnswer: probeAnswerPayloadBytes
        case .dataHello: dataHelloPayloadBytes
        case .step: stepPayloadBytesMax
        case .candidates: candidatesPayloadBytesMax
        }
    }
}
