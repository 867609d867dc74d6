// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// Replays `Transcripts/*.txt`: lines that begin with `> ` are events, `#` begins a comment, and
/// what follows an event is what it must give.
///
/// To write a new transcript, give its events and run the tests with
/// `CARAVAN_REWRITE_TRANSCRIPTS=1`; then read what came out, word by word.
struct TranscriptTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "Transcripts")

    static let names: [String] = {
        let files = try? FileManager.default.contentsOfDirectory(atPath: folder.path)
        return (files ?? []).filter { $0.hasSuffix(".txt") }.sorted()
    }()

    @Test func thereAreTranscripts() { #expect(Self.names.count >= 20) }

    @Test(arguments: names) func replay(name: String) throws {
        let url = Self.folder.appending(path: name)
        let text = try String(contentsOf: url, encoding: .utf8)
        var player: (any TranscriptPlayer)?
        var actual: [String] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.isEmpty || line.hasPrefix("#") { actual.append(String(line)) }
            guard line.hasPrefix("> ") else { continue }
            actual.append(String(line))
            let event = TranscriptEvent(line.dropFirst(2))
            switch event.words[0] {
            case "scheduler": player = SchedulerPlayer(event)
            case "membership": player = MembershipPlayer(event)
            case "planner": player = PlannerPlayer(event)
            default:
                let said = player?.play(event)
                actual += (said ?? ["the first event names no player"]).map { "  " + $0 }
            }
        }
        let result = actual.joined(separator: "\n")
        if ProcessInfo.processInfo.environment["CARAVAN_REWRITE_TRANSCRIPTS"] == "1" {
            try result.write(to: url, atomically: true, encoding: .utf8)
        }
        #expect(result == text, "\(name) now gives:\n\(result)")
    }
}

/// Carries out events and says what came of them, a line each.
protocol TranscriptPlayer {
    mutating func play(_ event: TranscriptEvent) -> [String]
}

/// Words, then `key=value` options and flags.
struct TranscriptEvent {
    let words: [String]
    private let options: [String: String]

    init(_ line: Substring) {
        let parts = line.split(separator: " ").map(String.init)
        words = parts.filter { !$0.contains("=") || $0.contains("@") }
        var options: [String: String] = [:]
        for part in parts where part.contains("=") && !part.contains("@") {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            options[String(pair[0])] = String(pair[1])
        }
        self.options = options
    }

    func has(_ word: String) -> Bool { words.contains(word) }
    func integer(_ key: String) -> Int? { options[key].flatMap { Int($0) } }
    func list(_ key: String) -> [String] {
        (options[key] ?? "").split(separator: ",").map(String.init)
    }
    func text(_ key: String) -> String? { options[key] }
    func number(_ key: String) -> Double? { options[key].flatMap { Double($0) } }
    func size(_ key: String) -> UInt64 { options[key].flatMap { UInt64($0) } ?? 0 }

    /// `1,2,3` or `1..3`.
    func tokens(_ key: String) -> [UInt32] {
        let text = options[key] ?? ""
        let ends = text.replacing("..", with: "-").split(separator: "-").compactMap { UInt32($0) }
        if ends.count == 2 { return Array(ends[0]...ends[1]) }
        return text.split(separator: ",").compactMap { UInt32($0) }
    }
}
