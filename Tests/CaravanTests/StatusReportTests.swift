// SPDX-License-Identifier: Apache-2.0

import Cluster
import Testing
import caravan

struct StatusReportTests {
    @Test func busyClusterShowsEveryTable() {
        let text = StatusReport(ShownStatus.busy(stages: 2, streams: 2)).text
        let parts = text.split(separator: "\n\n").map { $0.split(separator: "\n") }
        #expect(parts.map(\.count) == [4, 5, 3, 3, 4])
        #expect(text.contains("KV pages 172/1024 of 64 tokens, 92 kept"))
        #expect(
            text.contains(
                "in the last 10 s: 171 tokens/s generated, 61.3 prompt tokens/s, 52.4 steps/s of "
                    + "232 rows/s; busy 100 %, of which bubbles 7 %"))
        #expect(parts[1][2].split(separator: " ").prefix(4) == ["first", "token", "412.0", "ms"])
        #expect(parts[2][1].contains("18.25 ms") && parts[2][1].contains("95 %"))
        #expect(parts[3][1].hasPrefix("1025    generating"))
        #expect(parts[4][0] == "    1:35 ago  plan 3 is ready")
    }

    @Test func shareThatIsNotKnownIsADash() {
        var status = ShownStatus.busy(stages: 2, streams: 2)
        status.stages[0].utilisation = nil
        let rows = StatusReport(status).text.split(separator: "\n")
        #expect(rows.contains { $0.contains("box0") && !$0.contains("%") })
        #expect(rows.contains { $0.contains("box1") && $0.contains("94 %") })
    }

    @Test func predictionsNameTheirDepth() {
        var status = ClusterStatus(model: "m", contextLength: 8, layerCount: 2)
        status.slotCount = 4
        status.predictedTokensPerSecond = 20.54
        status.predictedTokensPerSecondOfAllSlots = 60
        status.predictedDepth = 512
        #expect(
            StatusReport(status).text.contains(
                "predicted 20.5 tokens/s for one stream, 60.0 for 4, at depth 512\n"))
    }

    /// A status lists no more than some of very many streams.
    @Test func streamsThatAreNotListedAreCounted() {
        var status = ShownStatus.busy(stages: 2, streams: 20)
        #expect(!StatusReport(status).text.contains("more"))
        status.waiting += 300
        #expect(StatusReport(status).text.contains("\nand 300 more\n"))
        var snapshot = TopSnapshot(url: "http://127.0.0.1:8080")
        snapshot.take(status)
        let lines = TopView(snapshot, width: 80, height: .max).plainLines()
        #expect(lines.contains { $0.contains("and 300 more") })
    }

    @Test func clusterWithoutWorkersHasNoTables() {
        let status = ClusterStatus(model: "m", contextLength: 8, layerCount: 2)
        #expect(StatusReport(status).text.split(separator: "\n").count == 3)
    }
}

struct EscapesTests {
    @Test func controlsAreWrittenOut() {
        #expect("plain ü 模".escapingControls == "plain ü 模")
        #expect("a\nb\r\n\tc".escapingControls == #"a\nb\r\n\tc"#)
        #expect(
            "\u{1B}[31m\u{9B}\u{7F}\u{0}\u{2028}".escapingControls
                == #"\u{1B}[31m\u{9B}\u{7F}\u{0}\u{2028}"#)
    }
    @Test func anAnswersLinesStay() {
        #expect("a\n\tb\r\u{1B}[2J".escapingControlsButLayout == "a\n\tb\\r\\u{1B}[2J")
    }
}
