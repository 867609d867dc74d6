// SPDX-License-Identifier: Apache-2.0

import Cluster
import Testing

/// What the page of a busy cluster says; the format is held to its grammar line by line.
struct PrometheusTextTests {
    private static func page() throws -> [Substring] {
        let fake = try ServedFake()
        var status = fake.generator.status()
        let worker = "a \"b\" \\c\"\u{301}"
        var stage = StageStatus(stage: 0, worker: worker, layerStart: 0, layerEnd: 3)
        stage.utilisation = 0.75
        stage.residentBytes = 1 << 30
        var silent = StageStatus(stage: 1, worker: "d", layerStart: 3, layerEnd: 6)
        silent.utilisation = nil
        status.stages = [stage, silent]
        status.flow.bubbleShare = 0.25
        status.flow.stepTime.count = 3
        status.flow.stepTime.p99Microseconds = 12_500
        status.tokensGenerated = 1_234_567
        fake.generator.setStatus(status)
        return fake.get("/metrics").text.split(separator: "\n", omittingEmptySubsequences: false)
    }

    @Test func valuesAndLabels() throws {
        let page = try Self.page()
        #expect(page.contains("caravan_generated_tokens_total 1234567"))
        #expect(page.contains(#"caravan_step_seconds{quantile="0.99"} 0.0125"#))
        #expect(page.contains("caravan_bubble_ratio 0.25"))
        let labels = #"{stage="0",worker="a \"b\" \\c\""# + "\u{301}" + #""}"#
        #expect(page.contains("caravan_stage_utilisation_ratio\(labels) 0.75"))
        #expect(page.contains("caravan_stage_resident_bytes\(labels) 1073741824"))
        // What is not known has no sample.
        #expect(page.count { $0.hasPrefix("caravan_stage_utilisation_ratio") } == 1)
    }

    @Test func everyLineIsWellFormed() throws {
        let page = try Self.page()
        #expect(page.last == "")
        let sample = /caravan_[a-z0-9_]+(\{([a-z]+="([^"\\]|\\.)*",?)+\})? [0-9.e+-]+/
        let comment =
            /# (HELP caravan_[a-z0-9_]+ .+|TYPE caravan_[a-z0-9_]+ (gauge|counter|summary))/
        for line in page.dropLast() {
            #expect(
                line.wholeMatch(of: sample) != nil || line.wholeMatch(of: comment) != nil,
                "\(line)")
        }
        let types = page.filter { $0.hasPrefix("# TYPE") }
        #expect(Set(types).count == types.count)
    }
}
