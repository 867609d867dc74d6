// SPDX-License-Identifier: Apache-2.0

import Foundation
import FoundationNetworking
import Platform
import Synchronization

/// A request whose answer is read while it comes.
///
/// URLSession calls on a thread of its own and cannot be held up, so what it brings waits here,
/// bounded, for `next`. One thread takes the parts; any may call `stop`.
final class HTTPStream: NSObject, URLSessionDataDelegate {
    /// What of an answer may wait to be taken. It is generous, as a reader who stops the terminal
    /// with Ctrl-S is no reason to lose an answer: some 30,000 tokens.
    static let waitingBytesMax = 8 << 20
    /// Silence after which the coordinator counts as gone; it sends a comment every few seconds.
    static let silenceSeconds = 60.0

    enum Part: Sendable {
        /// Comes first.
        case head(status: Int, retryAfterSeconds: Int?)
        case bytes([UInt8])
        /// The answer is complete, as far as HTTP knows.
        case end
        /// The connection failed, before the answer's head or in its midst.
        case failed(String)
        /// `stop` was called.
        case stopped
    }

    private struct State {
        var task: URLSessionDataTask?
        var hasHead = false
        var head: Part?
        var bytes: [UInt8] = []
        var ending: Part?

        mutating func take() -> Part? {
            if case .stopped? = ending { return ending }
            if let part = head {
                head = nil
                return part
            }
            guard !bytes.isEmpty else { return ending }
            defer { bytes = [] }
            return .bytes(bytes)
        }
    }

    private let state = Mutex(State())
    private let news = Mailbox<Void>(capacity: 1)

    /// Posts `body`, as JSON, to `address`.
    init(
        post body: some Encodable, to address: String, apiKey: String?
    ) throws(HTTPClientError) {
        super.init()
        let request = try HTTPClient.request(
            address, body: HTTPClient.json(body), apiKey: apiKey,
            timeoutSeconds: Self.silenceSeconds)
        let session = URLSession(configuration: .ephemeral, delegate: self, delegateQueue: nil)
        let task = session.dataTask(with: request)
        state.withLock { $0.task = task }
        task.resume()
        // It keeps its delegate until then.
        session.finishTasksAndInvalidate()
    }

    /// The next part; after `end`, `failed` and `stopped` there is none but these.
    func next() -> Part {
        while true {
            if let part = state.withLock({ $0.take() }) { return part }
            _ = news.take()
        }
    }

    /// Closes the connection, by which the coordinator notices that nobody waits any more.
    func stop() {
        let task = state.withLock { state in
            state.ending = .stopped
            return state.task
        }
        news.offer(())
        task?.cancel()
    }

    func urlSession(
        _ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data
    ) {
        let isTooMuch = state.withLock { state in
            guard state.ending == nil else { return false }
            Self.noteHead(of: dataTask, &state)
            guard state.bytes.count + data.count <= Self.waitingBytesMax else {
                state.ending = .failed("more than \(Self.waitingBytesMax) bytes wait to be shown")
                return true
            }
            state.bytes += data
            return false
        }
        news.offer(())
        if isTooMuch { dataTask.cancel() }
    }

    func urlSession(
        _ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?
    ) {
        state.withLock { state in
            state.task = nil
            guard state.ending == nil else { return }
            if error == nil { Self.noteHead(of: task, &state) }
            state.ending = error.map { .failed($0.localizedDescription) } ?? .end
        }
        news.offer(())
    }

    private static func noteHead(of task: URLSessionTask, _ state: inout State) {
        guard !state.hasHead, let response = task.response as? HTTPURLResponse else { return }
        state.hasHead = true
        state.head = .head(
            status: response.statusCode,
            retryAfterSeconds: response.value(forHTTPHeaderField: "Retry-After").flatMap { Int($0) }
        )
    }
}
