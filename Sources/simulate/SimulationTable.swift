// SPDX-License-Identifier: Apache-2.0

import Simulation

/// Clusters of unequal stages under the real scheduler, as a Markdown table.
enum SimulationTable {
    static func lines() throws -> [String] {
        var lines = [
            "| stages | streams | hop | arrivals | tok/s | bound | share | rows a step | "
                + "slowest stage busy | first token p50, p99 | between tokens p50, p99 |",
            "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        ]
        for (stages, streams) in [(2, 16), (4, 32), (16, 128), (64, 512)] {
            for hop in [100.0, 1_000.0] {
                lines.append(
                    try row(stages: stages, streams: streams, hop: hop, arrivalShare: nil))
            }
            lines.append(
                try row(stages: stages, streams: streams, hop: 100, arrivalShare: 0.7))
        }
        return lines
    }

    /// With `arrivalShare`, requests come at random, as many as make up this share of the bound.
    private static func row(
        stages: Int, streams: Int, hop: Double, arrivalShare: Double?
    ) throws -> String {
        var scenario = Scenario(
            stageCount: stages, hopMicroseconds: hop, streamCount: streams,
            requestCount: 2 * streams, seed: 1)
        let meanTokens = scenario.tokenCounts.lowerBound + scenario.tokenCounts.upperBound
        scenario.arrivalsPerSecond = arrivalShare.map {
            $0 * scenario.bound / (Double(meanTokens) / 2)
        }
        var simulator = Simulator(scenario)
        let report = try simulator.run()
        let first = report.firstTokenMilliseconds
        let gap = report.gapMilliseconds
        let cells = [
            "\(stages)", "\(streams)", "\(hop / 1000) ms",
            arrivalShare.map { "\(Int($0 * 100)) % of the bound" } ?? "at once",
            rounded(report.tokensPerSecond), rounded(report.bound), rounded(report.share, 1000),
            rounded(report.rowsPerStep), rounded(report.busyShare, 1000),
            "\(rounded(first.median)) ms, \(rounded(first.p99)) ms",
            "\(rounded(gap.median)) ms, \(rounded(gap.p99)) ms",
        ]
        return "| " + cells.joined(separator: " | ") + " |"
    }

    private static func rounded(_ value: Double, _ parts: Double = 10) -> String {
        "\((value * parts).rounded() / parts)"
    }
}
