// SPDX-License-Identifier: Apache-2.0

import Cluster
import Foundation
import Testing
import caravan

/// Frames of `caravan top` against `Frames/*.txt`.
///
/// To renew them run the tests with `CARAVAN_REWRITE_FRAMES=1`; then look at what came out.
struct TopViewTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "Frames")
    private static let url = "http://127.0.0.1:8080"

    private func expect(_ lines: [String], _ name: String) throws {
        let url = Self.folder.appending(path: name + ".txt")
        let text = lines.joined(separator: "\n") + "\n"
        if ProcessInfo.processInfo.environment["CARAVAN_REWRITE_FRAMES"] == "1" {
            try text.write(to: url, atomically: true, encoding: .utf8)
        }
        let expected = try String(contentsOf: url, encoding: .utf8)
        #expect(text == expected, "\(name) now is:\n\(text)")
    }

    private func busy(stages: Int, streams: Int) -> TopSnapshot {
        var snapshot = TopSnapshot(url: Self.url)
        let status = ShownStatus.busy(stages: stages, streams: streams)
        for step in 0..<30 {
            var earlier = status
            earlier.flow.generatedTokensPerSecond = Double((step * 37) % 100) + 80
            snapshot.take(earlier)
        }
        snapshot.take(status)
        return snapshot
    }

    private func frame(_ snapshot: TopSnapshot, _ width: Int, _ height: Int) -> [String] {
        TopView(snapshot, width: width, height: height).lines(colour: false).map { line in
            var line = line
            while line.last == " " { line.removeLast() }
            return line
        }
    }

    @Test(arguments: [
        (3, 5, 80, 24), (3, 5, 60, 15), (3, 40, 80, 24), (8, 5, 80, 24), (64, 5, 80, 24),
        (64, 40, 200, 60), (1, 0, 80, 24),
    ])
    func frames(stages: Int, streams: Int, width: Int, height: Int) throws {
        let lines = frame(busy(stages: stages, streams: streams), width, height)
        try expect(lines, "\(width)x\(height)-\(stages)-stages-\(streams)-streams")
    }

    @Test func coordinatorThatIsGoneIsSaidToBe() throws {
        let problem = "no coordinator answers at \(Self.url): Could not connect to the server."
        try expect(frame(TopSnapshot(url: Self.url), 80, 6), "asking")
        try expect(frame(TopSnapshot(url: Self.url, problem: problem), 80, 6), "never-there")
        var snapshot = busy(stages: 2, streams: 2)
        snapshot.problem = problem
        snapshot.isPaused = true
        try expect(frame(snapshot, 80, 24), "gone-and-paused")
    }

    @Test func plainSnapshotHasEverything() throws {
        let snapshot = busy(stages: 8, streams: 20)
        let lines = TopView(snapshot, width: 80, height: .max).plainLines()
        try expect(lines, "plain")
        #expect(!lines.joined().contains("\u{1B}"))
    }

    @Test func shareThatIsNotKnownIsADash() {
        var status = ShownStatus.busy(stages: 1, streams: 0)
        status.stages[0].utilisation = nil
        var snapshot = TopSnapshot(url: Self.url)
        snapshot.take(status)
        let lines = TopView(snapshot, width: 80, height: .max).plainLines()
        #expect(lines.contains { $0.contains("│ █- ▓- ░- %") })
        #expect(lines.contains { $0.hasPrefix("│") && $0.hasSuffix(" - │") })
    }

    @Test func colourChangesNothingButTheColour() {
        let view = TopView(busy(stages: 5, streams: 5), width: 80, height: 24)
        let sequence = /\u{1B}\[[0-9;]+m/
        let stripped = view.lines(colour: true).map { $0.replacing(sequence, with: "") }
        #expect(stripped == view.lines(colour: false))
        #expect(view.lines(colour: true).joined().contains("\u{1B}[32m"))
    }

    /// Every frame fits its screen, however small, and however much there is to show.
    @Test(arguments: [0, 1, 2, 7, 64]) func framesFit(stages: Int) {
        for streams in [0, 1, 64] {
            let snapshot = busy(stages: stages, streams: streams)
            for width in Array(1...90) + [120, 200, 500] {
                for height in [1, 2, 5, 8, 15, 24, 60] {
                    let lines = TopView(snapshot, width: width, height: height)
                        .lines(colour: false)
                    #expect(lines.count == height)
                    #expect(lines.allSatisfy { $0.unicodeScalars.count <= width })
                }
            }
        }
    }

    /// Figures and names from another program neither break the layout nor reach the terminal.
    @Test func hostileStatus() {
        var status = ShownStatus.busy(stages: 3, streams: 3)
        status.model = "\u{1B}[2J\nmodel\u{9B}31m 模型 e\u{301}"
        status.state = "\u{1B}[5;31m\u{9B}2J\r\n"
        status.detail = "a\r\nb\u{7}"
        status.pagesInUse = .min
        status.pagesKept = .max
        status.slotsInUse = .min
        status.waiting = .max
        status.events[0].text = "\u{1B}]0;title\u{7}"
        status.events[0].secondsAgo = .infinity
        status.stages[0].worker = "\u{202E}drawkcab \u{1F42B}"
        status.stages[0].utilisation = .nan
        status.stages[1].utilisation = 1e300
        status.stages[1].sendShare = -.infinity
        status.stages[2].residentBytes = .max
        status.streams[0].tokensPerSecond = 1e308
        status.streams[0].ageSeconds = -.infinity
        status.flow.generatedTokensPerSecond = .nan
        status.flow.busyShare = 1e308
        status.flow.bubbleShare = -.infinity
        status.flow.stepTime.p99Microseconds = .min
        var snapshot = TopSnapshot(url: Self.url)
        snapshot.take(status)
        for width in [10, 80, 200] {
            let lines = TopView(snapshot, width: width, height: 40).lines(colour: false)
            #expect(lines.count == 40)
            for line in lines {
                #expect(line.unicodeScalars.count <= width)
                #expect(
                    line.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control })
            }
        }
        let rows = StatusReport(status).text.split(separator: "\n")
        #expect(rows.count > 10)
        for row in rows {
            #expect(row.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control })
        }
    }
}
