// SPDX-License-Identifier: Apache-2.0

package import Platform
import Wire

/// The connections to a port that have not proved yet that they belong here.
///
/// They share the accepting thread, since a thread for each would cost more than a stranger may:
/// nothing here waits for one of them. Each has `ClusterLimits.handshakeTimeout`; beyond
/// `ClusterLimits.strangersMax` the oldest goes.
package struct Door {
    /// What became of one of them.
    package enum Outcome {
        /// It has the cluster token, or none is asked for here and it has said something.
        case opened(ByteStream)
        case refused(peer: String, reason: String)
    }

    private struct Stranger {
        let stream: ByteStream
        var deadline: Duration
        var wantsOutput = false
        /// Once it has been refused: what it may still send until it has read why.
        var discardByteCount: Int?
    }

    /// Oldest first.
    private var strangers: [Stranger] = []

    package init() {}

    package mutating func admit(_ stream: ByteStream, now: Duration) -> Outcome? {
        var outcome: Outcome?
        if strangers.count >= ClusterLimits.strangersMax {
            let oldest = strangers.removeFirst()
            if oldest.discardByteCount == nil {
                outcome = .refused(
                    peer: oldest.stream.peer, reason: "too many others wait to be let in")
            }
        }
        strangers.append(
            Stranger(stream: stream, deadline: now + ClusterLimits.handshakeTimeout))
        return outcome
    }

    /// When something is due even if nobody says anything.
    package var nextDeadline: Duration? { strangers.map(\.deadline).min() }

    /// What to wait for.
    package var watched: [StreamWatch.Entry] {
        strangers.map { StreamWatch.Entry(stream: $0.stream, wantsOutput: $0.wantsOutput) }
    }

    /// Goes on with those that are `ready`, by their places in `watched`, and ends those whose time
    /// is over.
    package mutating func advance(ready: Set<Int>, now: Duration) -> [Outcome] {
        var outcomes: [Outcome] = []
        var staying: [Stranger] = []
        for (index, var stranger) in strangers.enumerated() {
            if ready.contains(index) {
                guard step(&stranger, now, &outcomes) else { continue }
            }
            if now < stranger.deadline {
                staying.append(stranger)
            } else if stranger.discardByteCount == nil {
                let seconds = ClusterLimits.handshakeTimeout.components.seconds
                outcomes.append(
                    .refused(
                        peer: stranger.stream.peer,
                        reason: "it did not prove within \(seconds) s that it belongs here"))
            }
        }
        strangers = staying
        return outcomes
    }

    /// One step; false when it is none of the strangers any more.
    private func step(
        _ stranger: inout Stranger, _ now: Duration, _ outcomes: inout [Outcome]
    ) -> Bool {
        if let left = stranger.discardByteCount {
            stranger.discardByteCount = stranger.stream.discardAvailable(byteCountMax: left)
            return stranger.discardByteCount != nil
        }
        do {
            switch try stranger.stream.stepOpening() {
            case .left: return false
            case .done:
                outcomes.append(.opened(stranger.stream))
                return false
            case .wantsInput: stranger.wantsOutput = false
            case .wantsOutput: stranger.wantsOutput = true
            }
        } catch {
            outcomes.append(.refused(peer: stranger.stream.peer, reason: "\(error)"))
            explain(error, to: stranger.stream)
            // What is left unread when a socket closes makes the kernel reset the connection, and
            // the peer would lose the last word.
            stranger.discardByteCount = ClusterLimits.strangerDiscardBytesMax
            stranger.deadline = now + ClusterLimits.lingerTime
            stranger.wantsOutput = false
        }
        return true
    }

    /// TLS says by an alert why it ends. One who speaks no TLS where it is asked for, or the other
    /// way round, has forgotten an option.
    private func explain(_ error: SocketError, to stream: ByteStream) {
        switch error {
        case .tls(.notEncrypted), .tls(.unexpectedTLS):
            let ours = error == .tls(.notEncrypted) ? "encrypted" : "plaintext"
            let notice = ErrorNotice(
                code: .refused,
                message: "this side takes \(ours) links only; is one of us --plaintext?")
            stream.answerUnencrypted(Frame(epoch: 0, id: 0, message: .error(notice)).encoded())
        default: stream.endWriting()
        }
    }
}
