// SPDX-License-Identifier: Apache-2.0

package import Wire

/// The stages' times over the latest steps whose every row gave a token, from the trails.
package struct StageTimes {
    /// Steps sent that only carry decode rows.
    private var pending: Set<UInt64> = []
    /// Trails of the latest such steps, oldest first.
    private var window: [[StageTiming]] = []

    package init() {}

    package mutating func noteSent(stepID: UInt64, _ step: Step) {
        if step.rows.allSatisfy({ $0.want != .nothing }) { pending.insert(stepID) }
    }

    package mutating func record(stepID: UInt64, trail: [StageTiming]) {
        guard pending.remove(stepID) != nil else { return }
        window.append(trail)
        if window.count > ClusterLimits.timingWindow { window.removeFirst() }
    }

    /// Forgets what an older plan measured.
    package mutating func reset() { self = StageTimes() }

    /// Puts the means of stage `status.stage` into `status`.
    package func fill(_ status: inout StageStatus) {
        let timings = window.compactMap { trail in
            trail.first { Int($0.stage) == status.stage }
        }
        guard !timings.isEmpty else { return }
        func mean(_ value: (StageTiming) -> UInt32) -> Int {
            timings.reduce(0) { $0 + Int(value($1)) } / timings.count
        }
        status.computeMicrosecondsPerToken = mean(\.computeMicroseconds)
        status.waitMicrosecondsPerToken = mean(\.waitMicroseconds)
        status.sendMicrosecondsPerToken = mean(\.sendMicroseconds)
    }
}
