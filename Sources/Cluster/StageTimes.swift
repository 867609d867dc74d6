// SPDX-License-Identifier: Apache-2.0

package import Control
import Platform
package import Wire

/// What the stages did with their time, from the trails that ride in the steps.
///
/// Time is an argument. Adding a step allocates nothing once the buffers have grown.
package struct StageTimes {
    private struct Sent {
        let id: UInt64
        let time: Duration
        let rowCount: Int
        let promptRowCount: Int
        /// Nothing else was on its way.
        let isAlone: Bool
        /// Mean over the rows.
        let depth: Int

        /// Of a step that decodes only.
        var load: StepLoad? {
            promptRowCount == 0 && rowCount > 0
                ? .decode(streams: rowCount, depth: depth) : nil
        }
    }

    /// A decode step that has come back.
    private struct Answer {
        let time: Duration
        let rowCount: Int
        let trail: [StageTiming]
    }

    /// What came of a step.
    package struct Passage: Equatable {
        /// From its sending to its candidates' arrival.
        package let time: Duration
        /// Rows that give no token: those of prompts, but for the last of each.
        package let promptRowCount: Int
        /// Of a step that decoded alone, whose times are those of its stages undisturbed.
        package let undisturbed: StepLoad?
    }

    /// Sums of what one stage's trail entries say, in seconds.
    private struct Load {
        var compute: SlidingSum
        var send: SlidingSum
        var computeTotal: Duration = .zero
    }

    /// Steps on their way, in the order sent.
    private var inFlight: [Sent] = []
    /// The latest decode steps, oldest first.
    private var window: [Answer] = []
    private var loads: [Load] = []
    private var start: Duration
    private var steps: SlidingSum
    private var rows: SlidingSum
    /// Seconds in which a step was on its way.
    private var busy: SlidingSum
    /// Until when `busy` has counted; nil with no step on its way.
    private var busySince: Duration?
    private var stepTimes = RecentDurations()

    package init(now: Duration) {
        start = now
        steps = SlidingSum(start: now)
        rows = SlidingSum(start: now)
        busy = SlidingSum(start: now)
    }

    package mutating func noteSent(stepID: UInt64, _ step: Step, now: Duration) {
        let positions = step.rows.reduce(0) { $0 + Int($1.position) }
        inFlight.append(
            Sent(
                id: stepID, time: now, rowCount: step.rows.count,
                promptRowCount: step.rows.count { $0.want == .nothing },
                isAlone: inFlight.isEmpty, depth: positions / max(1, step.rows.count)))
        busySince = busySince ?? now
    }

    /// The candidates of a step have come; nil where it was not on its way.
    @discardableResult
    package mutating func record(
        stepID: UInt64, trail: [StageTiming], now: Duration
    ) -> Passage? {
        guard let index = inFlight.firstIndex(where: { $0.id == stepID }) else { return nil }
        let sent = inFlight.remove(at: index)
        let time = now - sent.time
        stepTimes.add(time)
        steps.add(1, endingAt: now)
        rows.add(Double(sent.rowCount), over: time, endingAt: now)
        if let since = busySince {
            busy.add((now - since).seconds, over: now - since, endingAt: now)
        }
        busySince = inFlight.isEmpty ? nil : now
        for timing in trail { add(timing, now: now) }
        if sent.promptRowCount == 0 {
            if window.count == ClusterLimits.timingWindow { window.removeFirst() }
            window.append(Answer(time: now, rowCount: sent.rowCount, trail: trail))
        }
        return Passage(
            time: time, promptRowCount: sent.promptRowCount,
            undisturbed: sent.isAlone && inFlight.isEmpty ? sent.load : nil)
    }

    /// Forgets what an older plan measured, and the steps that were on their way.
    package mutating func reset(now: Duration) { self = StageTimes(now: now) }

    private mutating func add(_ timing: StageTiming, now: Duration) {
        let stage = Int(timing.stage)
        guard stage < Limits.stagesMax else { return }
        while loads.count <= stage {
            loads.append(
                Load(compute: SlidingSum(start: start), send: SlidingSum(start: start)))
        }
        let compute = Duration.microseconds(Int64(timing.computeMicroseconds))
        loads[stage].computeTotal += compute
        loads[stage].compute.add(compute.seconds, over: compute, endingAt: now)
        let send = Duration.microseconds(Int64(timing.sendMicroseconds))
        loads[stage].send.add(send.seconds, over: send, endingAt: now)
    }

    // MARK: Reading

    package func fill(_ status: inout ClusterStatus, now: Duration) {
        status.flow.stepsPerSecond = steps.perSecond(now: now).rounded(places: 2)
        status.flow.rowsPerSecond = rows.perSecond(now: now).rounded(places: 2)
        status.flow.busyShare = min(1, busy.perSecond(now: now)).rounded(places: 4)
        status.flow.stepTime = LatencyStatus(stepTimes)
        for index in status.stages.indices { fill(&status.stages[index], now: now) }
        fillMeasured(&status)
        let busyTime = busy.sum(now: now) * Double(status.stages.count)
        guard busyTime > 0 else { return }
        let computing = loads.reduce(0) { $0 + $1.compute.sum(now: now) }
        status.flow.bubbleShare = max(0, 1 - computing / busyTime).rounded(places: 4)
    }

    private func fill(_ status: inout StageStatus, now: Duration) {
        if loads.indices.contains(status.stage) {
            let load = loads[status.stage]
            let compute = min(1, load.compute.perSecond(now: now))
            status.utilisation = compute.rounded(places: 4)
            status.computeSeconds = load.computeTotal.seconds.rounded(places: 3)
            status.sendShare = min(1 - compute, load.send.perSecond(now: now)).rounded(places: 4)
        }
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

    /// The rate of the decode steps since the latest pause.
    private func fillMeasured(_ status: inout ClusterStatus) {
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

extension Double {
    func rounded(places: Int) -> Double {
        let factor = (0..<places).reduce(1.0) { result, _ in result * 10 }
        return (self * factor).rounded() / factor
    }
}
