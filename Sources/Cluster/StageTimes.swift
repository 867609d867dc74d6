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
        /// Slots that have rows in it.
        let sequenceCount: Int
        /// Nothing else was on its way.
        let isAlone: Bool
        /// Mean over the rows.
        let depth: Int

        /// Of a step that decodes only.
        var load: StepLoad? {
            promptRowCount == 0 && rowCount > 0
                ? StepLoad(
                    rowCount: rowCount, wantingCount: rowCount, depth: depth,
                    sequenceCount: sequenceCount) : nil
        }
    }

    /// A decode step that has come back.
    private struct Answer {
        /// Since the answer before it, or since its sending after a pause.
        let span: Duration
        let rowCount: Int
        let sequenceCount: Int
        /// One of each sequence until it is told otherwise: right guesses give more, and a row that
        /// leaves the draw open, or ends its sequence, none.
        var tokenCount: Int
        let trail: [StageTiming]
    }

    /// What came of a step.
    package struct Passage: Equatable {
        /// From its sending to its candidates' arrival.
        package let time: Duration
        /// Rows that give no token: those of prompts, but for the last of each.
        package let promptRowCount: Int
        /// Of a step that only decoded.
        package let load: StepLoad?
        /// Nothing else was on its way meanwhile: its stages were undisturbed, whatever they share.
        package let isAlone: Bool
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
    /// Seconds in which a step was on its way, up to the latest answer.
    private var busy: SlidingSum
    /// Until when `busy` has counted what is on its way; nil with no step on its way.
    private var busySince: Duration?
    private var latestAnswer: Duration?
    private var stepTimes = RecentDurations()
    private var decodeStepCount = 0
    private var decodeRowCount = 0

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
                sequenceCount: step.rows.indices.count {
                    // A sequence's rows stand together.
                    $0 == 0 || step.rows[$0 - 1].slot != step.rows[$0].slot
                },
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
        // Steps come back in the order sent: with several on their way this is the time from one
        // to the next.
        let span = now - (busySince ?? sent.time)
        busy.add(span.seconds, over: span, endingAt: now)
        busySince = inFlight.isEmpty ? nil : now
        for timing in trail { add(timing, span: span, now: now) }
        if sent.promptRowCount == 0 {
            decodeStepCount += 1
            decodeRowCount += sent.rowCount
            if window.count == ClusterLimits.timingWindow { window.removeFirst() }
            window.append(
                Answer(
                    span: span + turnaround(before: sent), rowCount: sent.rowCount,
                    sequenceCount: sent.sequenceCount, tokenCount: sent.sequenceCount,
                    trail: trail))
        }
        latestAnswer = now
        return Passage(
            time: time, promptRowCount: sent.promptRowCount,
            load: sent.load, isAlone: sent.isAlone && inFlight.isEmpty)
    }

    /// The latest decode step gave so many tokens.
    package mutating func gave(tokenCount: Int) {
        guard !window.isEmpty else { return }
        window[window.count - 1].tokenCount = tokenCount
    }

    /// What choosing the tokens before the step took, which is part of generating; nothing if there
    /// was a pause.
    private func turnaround(before step: Sent) -> Duration {
        let gap = latestAnswer.map { step.time - $0 } ?? .zero
        return (.zero...ClusterLimits.turnaroundMax).contains(gap) ? gap : .zero
    }

    /// Forgets what an older plan measured, and the steps that were on their way.
    package mutating func reset(now: Duration) { self = StageTimes(now: now) }

    /// When in `span` a stage computed is not known: a step may be long, and have many stages.
    private mutating func add(_ timing: StageTiming, span: Duration, now: Duration) {
        let stage = Int(timing.stage)
        guard stage < Limits.stagesMax else { return }
        while loads.count <= stage {
            loads.append(
                Load(compute: SlidingSum(start: start), send: SlidingSum(start: start)))
        }
        let compute = Duration.microseconds(Int64(timing.computeMicroseconds))
        loads[stage].computeTotal += compute
        loads[stage].compute.add(compute.seconds, over: max(span, compute), endingAt: now)
        let send = Duration.microseconds(Int64(timing.sendMicroseconds))
        loads[stage].send.add(send.seconds, over: max(span, send), endingAt: now)
    }

    // MARK: Reading

    package func fill(_ status: inout ClusterStatus, now: Duration) {
        status.flow.stepsPerSecond = steps.perSecond(now: now).rounded(toPlaces: 2)
        status.flow.rowsPerSecond = rows.perSecond(now: now).rounded(toPlaces: 2)
        status.flow.busyShare = busyShare(now: now).rounded(toPlaces: 4)
        status.flow.stepTime = LatencyStatus(stepTimes)
        status.flow.decodeStepCount = decodeStepCount
        status.flow.decodeRowCount = decodeRowCount
        for index in status.stages.indices { fill(&status.stages[index], now: now) }
        fillMeasured(&status)
        // Both sums end with the latest answer: what stages do for a step is known once it is back.
        let busyTime = busy.sum(now: now) * Double(status.stages.count)
        guard busyTime > 0 else { return }
        let computing = loads.reduce(0) { $0 + $1.compute.sum(now: now) }
        status.flow.bubbleShare = max(0, 1 - computing / busyTime).rounded(toPlaces: 4)
    }

    /// With the time of what is still on its way, which may be most of it: steps can be long.
    private func busyShare(now: Duration) -> Double {
        var total = busy
        if let since = busySince {
            total.add((now - since).seconds, over: now - since, endingAt: now)
        }
        return min(1, total.perSecond(now: now))
    }

    private func fill(_ status: inout StageStatus, now: Duration) {
        fillShares(of: &status, now: now)
        let stage = status.stage
        // A token of one sequence: guesses may have spared it a step of its own.
        let answers = window.filter { $0.sequenceCount == 1 }
        let timings = answers.compactMap { $0.trail.first { Int($0.stage) == stage } }
        let tokenCount = answers.reduce(0) { $0 + $1.tokenCount }
        guard tokenCount > 0 else { return }
        func mean(_ value: (StageTiming) -> UInt32) -> Int {
            timings.reduce(0) { $0 + Int(value($1)) } / tokenCount
        }
        status.computeMicrosecondsPerToken = mean(\.computeMicroseconds)
        status.waitMicrosecondsPerToken = mean(\.waitMicroseconds)
        status.sendMicrosecondsPerToken = mean(\.sendMicroseconds)
    }

    /// What a stage does for a step is known once the step is back: shares are those up to then.
    private func fillShares(of status: inout StageStatus, now: Duration) {
        let known = busySince ?? now
        let load = loads.indices.contains(status.stage) ? loads[status.stage] : nil
        let compute = min(1, load?.compute.perSecond(now: known) ?? 0)
        let send = min(1 - compute, load?.send.perSecond(now: known) ?? 0)
        // A stage with the first step in a while may well be computing.
        let isUnknown = compute == 0 && busySince != nil
        status.utilisation = isUnknown ? nil : compute.rounded(toPlaces: 4)
        status.sendShare = send.rounded(toPlaces: 4)
        status.computeSeconds = (load?.computeTotal ?? .zero).seconds.rounded(toPlaces: 3)
    }

    /// The rate of the latest decode steps by their own time: pauses are not in it, nor what steps
    /// with rows of prompts took.
    private func fillMeasured(_ status: inout ClusterStatus) {
        let time = window.reduce(Duration.zero) { $0 + $1.span }
        guard time > .zero else { return }
        let tokens = window.reduce(0) { $0 + $1.tokenCount }
        let rows = window.reduce(0) { $0 + $1.rowCount }
        status.measuredTokensPerSecond = Double(tokens) / time.seconds
        status.measuredRowsPerStep = Double(rows) / Double(window.count)
        status.measuredTokensPerStep = Double(tokens) / Double(window.count)
    }
}
