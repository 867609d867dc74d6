// SPDX-License-Identifier: Apache-2.0

/// The number in a frame's header that says what its payload is.
///
/// Append-only.
package enum MessageKind: UInt16, Sendable, CaseIterable {
    case hello = 1
    case welcome = 2
    case assignment = 3
    case blobRequest = 4
    case blobChunk = 5
    case ready = 6
    case heartbeat = 7
    case drain = 8
    case error = 9
    case bye = 10
    case probe = 11
    case probeAnswer = 12
    case preparation = 13
    case prepared = 14
    case spare = 15
    case dataHello = 16
    case step = 17
    case candidates = 18
    case released = 19
    case stranded = 20
}

extension Message {
    package var kind: MessageKind {
        switch self {
        case .hello: .hello
        case .welcome: .welcome
        case .assignment: .assignment
        case .blobRequest: .blobRequest
        case .blobChunk: .blobChunk
        case .ready: .ready
        case .heartbeat: .heartbeat
        case .drain: .drain
        case .error: .error
        case .bye: .bye
        case .probe: .probe
        case .probeAnswer: .probeAnswer
        case .preparation: .preparation
        case .prepared: .prepared
        case .spare: .spare
        case .released: .released
        case .stranded: .stranded
        case .dataHello: .dataHello
        case .step: .step
        case .candidates: .candidates
        }
    }
}
