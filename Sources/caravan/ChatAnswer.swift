// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// Reads one answer from what a coordinator sends: a stream of events, or a refusal.
///
/// Pure: parts of an HTTP answer go in, pieces to show come out.
package struct ChatAnswer {
    package enum Piece: Equatable {
        case text(String)
        /// Nothing comes just now, and more will.
        case waiting
        case finished(reason: String?)
    }

    /// Of a refusal, which is a sentence or two.
    package static let refusalBytesMax = 64 << 10

    /// The part of a chunk that a chat looks at.
    private struct Chunk: Decodable {
        struct Choice: Decodable {
            struct Delta: Decodable { var content: String? }
            var delta: Delta
            var reason: String?

            enum CodingKeys: String, CodingKey {
                case delta
                case reason = "finish_reason"
            }
        }
        var choices: [Choice]
    }

    /// All that has been said.
    package private(set) var text = ""
    package private(set) var isFinished = false
    private let url: String
    private let isRefusal: Bool
    private let retryAfterSeconds: Int?
    private var refusal: [UInt8] = []
    private var events = ServerSentEvents()
    private var hasBegun = false
    private var reason: String?

    /// `url` is where it comes from, for errors.
    package init(from url: String, status: Int, retryAfterSeconds: Int?) throws(ChatError) {
        if status == 401 { throw .wrongKey(url) }
        self.url = url
        isRefusal = status != 200
        self.retryAfterSeconds = retryAfterSeconds
    }

    /// The pieces that `bytes` complete. Throws what ended the answer.
    package mutating func take(_ bytes: [UInt8]) throws(ChatError) -> [Piece] {
        if isRefusal {
            refusal += bytes.prefix(Self.refusalBytesMax - refusal.count)
            return []
        }
        let found: [ServerSentEvents.Event]
        do throws(ServerSentEventsFault) {
            found = try events.take(bytes)
        } catch {
            throw .unreadable(url, "\(error)")
        }
        var pieces: [Piece] = []
        for event in found where !isFinished { pieces += try self.pieces(of: event) }
        return pieces
    }

    /// The connection has ended: wrong unless the answer has.
    package func end() throws(ChatError) {
        guard !isFinished else { return }
        if hasBegun { throw .brokenOff(url, "its last event is missing") }
        guard isRefusal,
            let refusal = Refusal(json: Data(refusal), retryAfterSeconds: retryAfterSeconds)
        else { throw .notACoordinator(url) }
        throw .refused(refusal, by: url)
    }

    private mutating func pieces(
        of event: ServerSentEvents.Event
    ) throws(ChatError) -> [Piece] {
        guard case .data(let data) = event else { return [.waiting] }
        hasBegun = true
        if data == "[DONE]" {
            isFinished = true
            return [.finished(reason: reason)]
        }
        let json = Data(data.utf8)
        if let refusal = Refusal(json: json) { throw .refused(refusal, by: url) }
        guard let chunk = try? JSONDecoder().decode(Chunk.self, from: json) else {
            throw .unreadable(url, "an event is no chunk of a chat completion")
        }
        reason = chunk.choices.first?.reason ?? reason
        let said = chunk.choices.compactMap(\.delta.content).joined()
        text += said
        return said.isEmpty ? [] : [.text(said)]
    }
}
