// SPDX-License-Identifier: Apache-2.0

package import Control
import Platform
package import Wire

/// The stages' times over the latest steps whose every row gave a token, from the trails.
package struct StageTimes {
    /// A step that carries only decode rows.
    private struct Sent {
        let load: StepLoad
        /// Nothing else was in the pipeline when it was sent.
        let isAlone: Bool
    }

    private struct Answer {
        let time: Duration
        let rowCount: Int
        let trail: [StageTiming]
    }

    private var pending: [UInt64: Sent] = [:]
    private var inFlight: Set<UInt64> = []
    /// The latest such steps, oldest first.
    private var window: [Answer] = []

    package init() {}

    package mutating func noteSent(stepID: UInt64, _ step: Step) {
        if !step.rows.isEmpty, step.rows.allSatisfy({ $0.want != .nothing }) {
            let depth = step.rows.reduce(0) { $0 + Int($1.position) } / step.rows.count
            let load = StepLoad.decode(streams: step.rows.count, depth: depth)
            pending[stepID] = Sent(load: load, isAlone: inFlight.isEmpty)
        }
        inFlight.insert(stepID)
    }

    /// The load of a step that decoded alone, whose times are those of its stages undisturbed.
    package mutating func record(
        stepID: UInt64, trail: [StageTiming], now: Duration
    ) -> StepLoad? {
        inFlight.remove(stepID)
        guard let sent = pending.removeValue(forKey: stepID) else {
            return nil
        }
        window.append(Answer(time: now, rowCount: sent.load.rowCount, trail: trail))
        if window.count > ClusterLimits.timingWindow { window.removeFirst() }
        return sent.isAlone && inFlight.isEmpty ? sent.load : nil
    }

    /// Forgets what an older plan measured.
    package mutating func reset() { self = StageTimes() }

    /// Puts the means of stage `status.stage` into `status`.
    package func fill(_ status: inout StageStatus) {
        let timings = window.compactMap { answer in
            answer.trail.first { Int($0.stage) == status.stage }
        }
        guard !timings.isEmpty else { return }
        func mean(_ value: (StageTiming) -> UInt32) -> Int {
            timings.reduce(0) { $0 + Int(value($1)) } / timings.count
        }
        status.computeMicrosecondsPerToken = mean(\.computeMicroseconds)
        status.waitMicrosecondsPerToken = mean(\.waitMicroseconds)
        status.sendMicrosecondsPerToken = mean(\.sendMicroseconds)
    }

    /// Puts the rate of the steps since the latest pause into `status`.
    package func fill(_ status: inout ClusterStatus) {
        var steps = window[...]
        for index in window.indices.dropFirst()
        where window[index].time - window[index - 1].time > ClusterLimits.timingPause {
            steps = window[index...]
        }
        guard let first = steps.first, let last = steps.last, last.time > first.time else { return }
        let rows = steps.dropFirst().reduce(0) { $0 + $1.rowCount }
        status.measuredTokensPerSecond = Double(rows) / (last.time - first.time).seconds
        status.measuredRowsPerStep = Double(rows) / Double(steps.count - 1)
    }
}
