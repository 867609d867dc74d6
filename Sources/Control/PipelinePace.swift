// SPDX-License-Identifier: Apache-2.0

import Wire

/// Says how many steps are to be in flight and how many prompt rows each may carry, from what
/// earlier steps took.
///
/// A pipeline is full when the steps in flight cover one trip: the stages' times and the network
/// between them, counted in times of the slowest stage. More steps would only be thinner, and each
/// reads all weights. Times are microseconds.
struct PipelinePace: Sendable {
    let stageCount: Int
    private let rowCountMax: Int
    /// Prompt rows beside decode rows, where somebody has said how many.
    private let fixedPromptRowCount: Int?
    /// Mean time of each stage for a step of decode rows alone; empty before the first.
    private var stageTimes: [Double] = []
    /// Mean rows of those steps.
    private var quietRowCount = 0.0
    /// The least that the slowest stage ever took for one: no fewer rows make it shorter.
    private var leastTime = Double.infinity
    /// The least that a trip took beyond the stages' computing. The first step of an epoch travels
    /// alone, so it measures the network and the coordinator without any queue.
    private var overhead: Double?
    private var promptRowBudget = Self.firstPromptRowBudget
    /// What the plan expects a prompt row to take the slowest stage; nil if it can't tell.
    private let expectedPromptRowTime: Double?
    /// What a prompt row takes the slowest stage: in the latest large step of nothing else, or at
    /// most, in small ones.
    private var promptRowTime: Double?
    /// Sequences that decoded when the latest step of decode rows alone was sent; 0 before one has
    /// come back.
    private var quietStreamCount = 0
    /// Steps of decode and prompt rows that have come back since.
    private var mixedStepCount = 0

    /// A step with prompt rows may take as many times as long as one without: what a stream may
    /// feel of another's prompt.
    private static let stretch = 2.0
    /// Of a slowest stage's time: before it is known what rows cost, a step that would hide less
    /// than this is not worth its weights.
    private static let idleShare = 0.25
    /// For each stage. Streams grow longer and others take their place meanwhile, so what their
    /// rows take alone has to be seen again.
    private static let mixedStepsMax = 32
    /// Weight of the newest step in the means.
    private static let newest = 0.125
    /// Prompt rows beside decode rows before anything is measured: few, as a stream feels them.
    private static let firstPromptRowBudget = 8
    /// Prompts that delay nobody still go in parts, as stages work on different parts at once. With
    /// this many parts to a stage the first and last idle a sixteenth of the time.
    private static let chunksPerStage = 16
    static let leastChunk = 64
    /// Rows of a prompt from which on their time says something of what one costs.
    private static let leastTimed = 16
    /// What such a part may take the slowest stage: a short prompt that comes waits for those that
    /// are on their way.
    private static let chunkTimeMax = 500_000.0

    init(
        stageCount: Int, rowCountMax: Int, fixedPromptRowCount: Int? = nil,
        expectedPromptRowSeconds: Double? = nil
    ) {
        precondition(stageCount > 0)
        self.stageCount = stageCount
        self.rowCountMax = rowCountMax
        self.fixedPromptRowCount = fixedPromptRowCount
        expectedPromptRowTime = expectedPromptRowSeconds.map { $0 * 1e6 }
    }

    /// Steps to be in flight while so many sequences decode: as many as fit a trip, or one more.
    /// With fewer the slowest stage idles for a while, with more it reads its weights more often.
    func groupCount(streamCount: Int) -> Int {
        guard let slowest = stageTimes.max(), slowest > 0 else { return stageCount }
        guard let promptRowTime else {
            return Self.stepCount((trip / slowest - Self.idleShare).rounded(.up))
        }
        let few = Self.stepCount(trip / slowest)
        let periods = [few, few + 1].map {
            period(stepCount: $0, streamCount: streamCount, slowest, rowTime: promptRowTime)
        }
        return periods[1] < periods[0] ? few + 1 : few
    }

    /// Steps to be in flight for a trip of `cover` times of the slowest stage; at least one.
    static func stepCount(_ cover: Double) -> Int {
        cover.isFinite ? max(1, Int(min(cover, 1e9))) : 1
    }

    /// What a step of decode rows takes from the coordinator back to it.
    private var trip: Double { stageTimes.reduce(0, +) + (overhead ?? 0) }

    /// How long it takes until each stream has its next token, if they are divided so. Times of
    /// more or fewer rows than were measured follow from what a prompt's row takes.
    private func period(
        stepCount: Int, streamCount: Int, _ slowest: Double, rowTime: Double
    ) -> Double {
        let rows = max(1, (streamCount + stepCount - 1) / stepCount)
        let steps = (streamCount + rows - 1) / rows
        let time = max(leastTime, slowest + (Double(rows) - quietRowCount) * rowTime)
        let beyond = trip + stageTimes.reduce(0, +) * (time / slowest - 1)
        return max(Double(steps) * time, beyond)
    }

    /// Steps to be in flight while there are only prompts: one more, so that no stage waits for the
    /// coordinator.
    var promptDepth: Int {
        let cover = trip / (stageTimes.max() ?? 0) - Self.idleShare
        return max(Self.stepCount(cover.rounded(.up)), stageCount) + 1
    }

    /// Prompt rows of a step. Where somebody decodes they are as many as fit the time; elsewhere
    /// `pendingCount` rows are divided so that all stages have some, and none has them for long.
    func promptRowCount(isDecoding: Bool, pendingCount: Int) -> Int {
        guard !isDecoding else { return fixedPromptRowCount ?? promptRowBudget }
        let parts = Self.chunksPerStage * (stageCount - 1)
        let divided = stageCount > 1 ? pendingCount / parts : rowCountMax
        let rowTime = promptRowTime ?? expectedPromptRowTime
        let timely = rowTime.map { Self.chunkTimeMax / max($0, 1) } ?? .infinity
        return max(Self.leastChunk, Int(min(Double(divided), timely)))
    }

    /// Rows of a step that are computed in the time that it takes to read the weights; 1 as long
    /// as nothing is known.
    var cheapRowCount: Int {
        guard let rowTime = promptRowTime ?? expectedPromptRowTime, leastTime.isFinite
        else { return 1 }
        return Int(min(max(1, leastTime / max(rowTime, 1)), Double(rowCountMax)))
    }

    /// Whether it is known what a prompt row takes, or at least expected.
    var knowsPromptRows: Bool { (promptRowTime ?? expectedPromptRowTime) != nil }

    /// Whether decode rows are to go without prompt rows, which shows what they take alone: nothing
    /// is known of nearly as many streams. Else prompts that keep coming would hide it for ever.
    func needsQuietStep(streamCount: Int) -> Bool {
        fixedPromptRowCount == nil && !isKnown(streamCount: streamCount)
    }

    /// Whether the times are of at least half and at most twice as many streams, and not old.
    private func isKnown(streamCount: Int) -> Bool {
        streamCount <= 2 * quietStreamCount && quietStreamCount <= 2 * streamCount
            && mixedStepCount < Self.mixedStepsMax * stageCount
    }

    /// A step has come back after `trip`.
    mutating func note(_ step: StepInFlight, trail: [StageTiming], trip: Duration) {
        let isNew = !isKnown(streamCount: step.streamCount)
        // Whatever the trail says: nobody waits for more than one such step.
        if step.promptRowCount == 0 {
            quietStreamCount = step.streamCount
            mixedStepCount = 0
        } else if step.promptRowCount < step.rowCount {
            mixedStepCount += 1
        }
        let times = trail.map { Double($0.computeMicroseconds) }
        // The trail is a peer's word: one that does not fit is no measurement.
        guard times.count == stageCount, let longest = times.max() else { return }
        let beyond = max(0, trip.inSeconds * 1e6 - times.reduce(0, +))
        overhead = min(overhead ?? beyond, beyond)
        if step.promptRowCount == step.rowCount, step.rowCount >= Self.leastTimed {
            let time = longest / Double(step.rowCount)
            // Few rows take little less than many, so what they say is no less than what one costs.
            promptRowTime =
                step.rowCount < Self.leastChunk ? min(time, promptRowTime ?? time) : time
        }
        if step.promptRowCount == 0 {
            learnQuiet(times, rowCount: Double(step.rowCount), isNew: isNew || stageTimes.isEmpty)
        } else if let quiet = stageTimes.max(), quiet > 0 {
            learnBudget(Double(step.promptRowCount), took: longest, quiet: quiet)
        }
    }

    private mutating func learnQuiet(_ times: [Double], rowCount: Double, isNew: Bool) {
        let share = isNew ? 1 : Self.newest
        stageTimes = isNew ? times : zip(stageTimes, times).map { $0 + ($1 - $0) * share }
        quietRowCount += (rowCount - quietRowCount) * share
        leastTime = min(leastTime, stageTimes.max() ?? leastTime)
    }

    /// From a step with `count` prompt rows, whose slowest stage took `longest`, and `quiet` for
    /// decode rows alone.
    private mutating func learnBudget(_ count: Double, took longest: Double, quiet: Double) {
        let rowTime = max(longest - quiet, 0) / count
        let allowed = (Self.stretch - 1) * quiet
        // At most twice as many as were just measured: the first few rows cost next to nothing.
        var ideal = rowTime * 2 * count > allowed ? allowed / rowTime : 2 * count
        // The end of a prompt, a few rows, says nothing against many.
        if 2 * count < Double(promptRowBudget), longest <= Self.stretch * quiet {
            ideal = max(ideal, Double(promptRowBudget))
        }
        promptRowBudget = min(max(Int(ideal), SchedulerLimits.promptRowsMin), rowCountMax)
    }
}
