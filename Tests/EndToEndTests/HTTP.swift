// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport

/// Requests through curl, as the README shows them.
struct HTTP {
    let directory: TemporaryDirectory
    let port: Int
    var apiKey: String?

    /// Seconds that a request may take, a stream to its end: only what is broken takes as long.
    private static let patience = 600

    struct Answer {
        let status: Int
        let body: String

        func decoded<Value: Decodable>(_ type: Value.Type) throws -> Value {
            try JSONDecoder().decode(type, from: Data(body.utf8))
        }
    }

    func get(_ path: String) throws -> Answer { try answer([url(path)]) }

    /// Posts `body` as it is; it need not be JSON.
    func post(_ path: String, _ body: String) throws -> Answer {
        try answer(["-H", "Content-Type: application/json", "--data-binary", body, url(path)])
    }

    /// Starts a request whose answer is read while it comes.
    func stream(_ path: String, _ body: String) throws -> RunningProcess {
        try curl(["-N", "-H", "Content-Type: application/json", "--data-binary", body, url(path)])
    }

    /// The status of `GET /health`; 0 while nothing answers.
    func health() -> Int { (try? get("/health").status) ?? 0 }

    private func url(_ path: String) -> String { "http://127.0.0.1:\(port)\(path)" }

    private func curl(_ arguments: [String]) throws -> RunningProcess {
        let key = apiKey.map { ["-H", "Authorization: Bearer \($0)"] } ?? []
        return try RunningProcess(
            "/usr/bin/env",
            // A proxy would not find this machine's own address.
            ["curl", "-sS", "--noproxy", "*", "-m", "\(Self.patience)"] + key + arguments,
            in: directory)
    }

    private func answer(_ arguments: [String]) throws -> Answer {
        let process = try curl(["-w", "\n%{http_code}"] + arguments)
        guard try process.waitForExit(.seconds(Self.patience + 10)) == 0 else {
            throw HarnessError.noAnswer(process.errors)
        }
        let parts = process.output.split(separator: "\n", omittingEmptySubsequences: false)
        return Answer(
            status: parts.last.flatMap { Int($0) } ?? 0,
            body: parts.dropLast().joined(separator: "\n"))
    }
}

extension RunningProcess {
    /// Events that have come to a client that reads a stream.
    var eventCount: Int { output.components(separatedBy: "\n\ndata: ").count }

    /// Waits until `count` more events have come; false if the stream ends before.
    func awaitEvents(_ count: Int) -> Bool {
        let goal = eventCount + count
        return Deadline.wait { eventCount >= goal || !isRunning } && eventCount >= goal
    }

    /// Waits until the stream has ended, as long as something comes; whether the client ended well.
    func awaitEnd() -> Bool {
        while isRunning {
            let seen = outputByteCount
            guard Deadline.wait(until: { outputByteCount > seen || !isRunning }) else {
                return false
            }
        }
        return (try? waitForExit()) == 0
    }

    /// Ends the client and says what had come by then.
    func hangUp() throws -> EventStream {
        kill()
        try waitForExit()
        return EventStream(wholeEventsOf: output)
    }
}

/// A stream of server-sent events, as text.
struct EventStream {
    let text: String

    init(text: String) { self.text = text }

    /// Without what has come of an event that is not whole yet.
    init(wholeEventsOf text: String) {
        let end = text.range(of: "\n\n", options: .backwards)?.upperBound ?? text.startIndex
        self.text = String(text[..<end])
    }

    var isComplete: Bool { data.last == "[DONE]" }
    var data: [Substring] {
        text.split(separator: "\n").filter { $0.hasPrefix("data: ") }.map { $0.dropFirst(6) }
    }
    var hasError: Bool { data.contains { $0.contains("\"error\"") } }

    /// The pieces of a chat's answer, put together.
    func content() throws -> String {
        struct Chunk: Decodable {
            struct Choice: Decodable { var delta: Delta }
            struct Delta: Decodable { var content: String? }
            var choices: [Choice]
        }
        return try data.filter { $0 != "[DONE]" }
            .map { try JSONDecoder().decode(Chunk.self, from: Data($0.utf8)) }
            .flatMap(\.choices).compactMap(\.delta.content).joined()
    }
}
