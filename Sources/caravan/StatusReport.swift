// SPDX-License-Identifier: Apache-2.0

import Cluster

/// A cluster's status as a table for people.
struct StatusReport {
    private let status: ClusterStatus

    init(_ status: ClusterStatus) { self.status = status }

    var text: String {
        var lines = ["\(status.model)  \(status.state)"]
        if !status.detail.isEmpty { lines[0] += " (\(status.detail))" }
        lines.append(
            "plan \(status.epoch)  \(status.layerCount) layers  context \(status.contextLength)  "
                + "slots \(status.slotsInUse)/\(status.slotCount)  waiting \(status.waiting)  "
                + "served \(status.requestsServed)  tokens \(status.tokensGenerated)")
        lines.append(
            "coordinator \(ByteSize.text(status.coordinatorPrivateBytes)) private memory, "
                + "of which vocabulary tables \(ByteSize.text(status.vocabularyTableBytes)); "
                + "\(ByteSize.text(status.shippedBytes)) shipped")
        lines += speeds
        return (lines + [""] + table).joined(separator: "\n") + "\n"
    }

    /// What the plan was expected to give, and what it gives.
    private var speeds: [String] {
        var parts: [String] = []
        if status.predictedTokensPerSecond > 0 {
            parts.append(
                "predicted \(status.predictedTokensPerSecond.rounded(toPlaces: 1)) tokens/s for "
                    + "one stream, "
                    + "\(status.predictedTokensPerSecondOfAllSlots.rounded(toPlaces: 1)) for "
                    + "\(status.slotCount)")
        }
        if status.measuredTokensPerSecond > 0 {
            parts.append(
                "measured lately \(status.measuredTokensPerSecond.rounded(toPlaces: 1)) with "
                    + "\(status.measuredRowsPerStep.rounded(toPlaces: 1)) rows a step")
        }
        return parts.isEmpty ? [] : [parts.joined(separator: "; ")]
    }

    private var table: [String] {
        let header = [
            "stage", "worker", "layers", "memory", "budget", "kernels", "threads", "steps",
            "compute/token", "predicted", "wait", "send", "round trip",
        ]
        let rows = status.stages.map { stage in
            [
                "\(stage.stage)", stage.worker, "\(stage.layerStart)..<\(stage.layerEnd)",
                ByteSize.text(stage.residentBytes),
                stage.memoryBudgetBytes > 0 ? ByteSize.text(stage.memoryBudgetBytes) : "-",
                stage.isa, "\(stage.threads)", "\(stage.stepCount)",
                time(stage.computeMicrosecondsPerToken),
                time(stage.predictedMicrosecondsPerToken), time(stage.waitMicrosecondsPerToken),
                time(stage.sendMicrosecondsPerToken), time(stage.roundTripMicroseconds),
            ]
        }
        return aligned([header] + rows)
    }

    /// `-` before the first measurement.
    private func time(_ microseconds: Int) -> String {
        switch microseconds {
        case 0: "-"
        case ..<1000: "\(microseconds) µs"
        default: "\((Double(microseconds) / 1000).rounded(toPlaces: 2)) ms"
        }
    }

    private func aligned(_ rows: [[String]]) -> [String] {
        let widths = (rows.first ?? []).indices.map { column in
            rows.map { $0[column].count }.max() ?? 0
        }
        return rows.map { row in
            var line = zip(row, widths).map { $0.padded(to: $1) }.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line
        }
    }
}
