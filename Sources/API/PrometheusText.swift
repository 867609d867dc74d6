// SPDX-License-Identifier: Apache-2.0

import Cluster

/// A status in Prometheus's text format, version 0.0.4
/// (prometheus.io/docs/instrumenting/exposition_formats).
struct PrometheusText {
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    private(set) var text = ""

    init(_ status: ClusterStatus) {
        add("ready", "Whether requests can be computed.", status.state == "ready" ? 1 : 0)
        add("uptime_seconds", "Time since the coordinator started.", status.uptimeSeconds)
        add("slots", "Sequences that may run at once.", Double(status.slotCount))
        add("slots_in_use", "Sequences that run.", Double(status.slotsInUse))
        add("kv_pages", "Pages of each stage's KV cache.", Double(status.pageCount))
        add("kv_pages_in_use", "Pages that sequences hold.", Double(status.pagesInUse))
        add(
            "kv_pages_kept", "Pages of those that only prefixes hold.", Double(status.pagesKept))
        add(
            "preemptions_total", "Sequences that made room for older ones.",
            Double(status.preemptions), "counter")
        add("requests_waiting", "Answers that wait for a slot.", Double(status.waiting))
        add("requests_total", "Answers completed.", Double(status.requestsServed), "counter")
        add(
            "generated_tokens_total", "Tokens generated.", Double(status.tokensGenerated),
            "counter")
        add(
            "prompt_tokens_total",
            "Tokens of prompts computed; those of resumed sequences count again.",
            Double(status.promptTokens), "counter")
        add(
            "guesses_total", "Tokens drawn after they had been guessed.", Double(status.guesses),
            "counter")
        add(
            "right_guesses_total", "Tokens drawn as they had been guessed.",
            Double(status.rightGuesses), "counter")
        add("shipped_bytes_total", "Weights shipped.", Double(status.shippedBytes), "counter")
        add(
            "coordinator_private_bytes", "Private memory of the coordinator.",
            Double(status.coordinatorPrivateBytes))
        if let share = status.flow.bubbleShare {
            add("bubble_ratio", "Share of the stages' time lost while steps ran.", share)
        }
        add("step_seconds", "Time of a step through all stages.", status.flow.stepTime)
        add(
            "time_to_first_token_seconds", "Submission to first token.",
            status.flow.timeToFirstToken)
        add(
            "inter_token_seconds", "One token to the next, or its share of a step.",
            status.flow.interTokenTime)
        addStages(status.stages)
    }

    private mutating func addStages(_ stages: [StageStatus]) {
        add(stages, "stage_layers", "Layers of a stage.") { $0.layerEnd - $0.layerStart }
        add(stages, "stage_resident_bytes", "Memory of a stage's worker.") { $0.residentBytes }
        add(stages, "stage_received_bytes_per_second", "Data links, inwards.") {
            $0.receivedBytesPerSecond
        }
        add(stages, "stage_sent_bytes_per_second", "Data links, outwards.") {
            $0.sentBytesPerSecond
        }
        add(stages, "stage_round_trip_microseconds", "Round trip to the coordinator.") {
            $0.roundTripMicroseconds
        }
        head("stage_utilisation_ratio", "Share of recent time spent computing.", "gauge")
        for stage in stages {
            guard let share = stage.utilisation else { continue }
            line("stage_utilisation_ratio", labels(stage), "\(share)")
        }
    }

    private mutating func add(
        _ name: String, _ help: String, _ value: Double, _ kind: String = "gauge"
    ) {
        head(name, help, kind)
        line(name, "", number(value))
    }

    private mutating func add(_ name: String, _ help: String, _ latency: LatencyStatus) {
        head(name, help, "summary")
        let quantiles = [
            ("0.5", latency.p50Microseconds), ("0.9", latency.p90Microseconds),
            ("0.99", latency.p99Microseconds),
        ]
        for (quantile, value) in quantiles where latency.count > 0 {
            line(name, "{quantile=\"\(quantile)\"}", number(Double(value) / 1e6))
        }
        line(name + "_sum", "", number(latency.totalSeconds))
        line(name + "_count", "", "\(latency.count)")
    }

    private mutating func add(
        _ stages: [StageStatus], _ name: String, _ help: String, _ value: (StageStatus) -> Int
    ) {
        head(name, help, "gauge")
        for stage in stages { line(name, labels(stage), "\(value(stage))") }
    }

    private mutating func head(_ name: String, _ help: String, _ kind: String) {
        text += "# HELP caravan_\(name) \(help)\n# TYPE caravan_\(name) \(kind)\n"
    }

    private mutating func line(_ name: String, _ labels: String, _ value: String) {
        text += "caravan_\(name)\(labels) \(value)\n"
    }

    /// Counts without a fraction: they may be read as integers.
    private func number(_ value: Double) -> String {
        Int(exactly: value).map { "\($0)" } ?? "\(value)"
    }

    private func labels(_ stage: StageStatus) -> String {
        "{stage=\"\(stage.stage)\",worker=\"\(escaped(stage.worker))\"}"
    }

    private func escaped(_ text: String) -> String {
        // By code points: a mark that follows one of these would make another character of it.
        text.unicodeScalars.reduce(into: "") { result, scalar in
            switch scalar {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(scalar)
            }
        }
    }
}
