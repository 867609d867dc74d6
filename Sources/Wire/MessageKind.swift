// SPDX-License-Identifier: Apache-2.0

/// The number in a frame's header that says what its payload is.
///
/// Append-only; 8 is kept for `drain`.
package enum MessageKind: UInt16, Sendable, CaseIterable {
    case hello = 1
    case welcome = 2
    case assignment = 3
    case blobRequest = 4
    case blobChunk = 5
    case ready = 6
    case heartbeat = 7
    case error = 9
    case bye = 10
    case probe = 11
    case probeAnswer = 12
    case dataHello = 16
    case step = 17
    case candidates = 18
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
        case .error: .error
        case .bye: .bye
        case .probe: .probe
        case .probeAnswer: .probeAnswer
        case .dataHello: .dataHello
        case .step: .step
        case .candidates: .candidates
        }
    }
}
