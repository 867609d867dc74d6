// SPDX-License-Identifier: Apache-2.0

import Control
import Wire

/// Where steps are computed: an engine in this process, or workers over links.
///
/// Lives on the coordinator's thread; what happens elsewhere reaches it as `BackendEvent`.
protocol StepBackend: AnyObject {
    func handle(_ event: BackendEvent) -> [BackendOutcome]
    /// Comes every `ClusterLimits.tickInterval`; `isIdle` when no request runs.
    func tick(isIdle: Bool) -> [BackendOutcome]
    /// Whether a plan is being loaded: that time does not count against those who wait.
    var isLoading: Bool { get }
    func forward(stepID: UInt64, _ step: Step)
    /// A step has come back: what its stages took says what later plans can count on.
    func learn(from passage: StageTimes.Passage, trail: [StageTiming])
    /// The candidates of the last outcome were wrong: whoever sent them is not to be used again.
    func distrust(_ reason: String) -> [BackendOutcome]
    /// Moves a worker's layers elsewhere and lets it go. Throws why not.
    func drain(worker: String) throws(DrainRefusal) -> [BackendOutcome]
    /// Fills in state, detail, epoch and stages.
    func describe(in status: inout ClusterStatus)
    /// Ends threads, links and child processes.
    func stop()
}

/// What comes to the coordinator's thread from the backend's other threads.
enum BackendEvent: Sendable {
    case link(Link, Link.Event)
    /// The blobs of plan `epoch` can't be shipped to the worker behind the link.
    case unshippable(Link, epoch: UInt32, reason: String)
    case localReady
    case localFailed(String)
    case localCandidates(stepID: UInt64, Candidates)
}

/// What the coordinator has to act on.
enum BackendOutcome {
    /// Steps can be sent through `stageCount` stages, counted from 1 under this epoch; each has a
    /// KV cache of `pageCount` pages. `promptRowSeconds` is what the plan expects a prompt row to
    /// take the slowest stage, nil if it can't tell.
    case up(epoch: UInt32, stageCount: Int, pageCount: Int, promptRowSeconds: Double?)
    /// Steps in flight are lost, and the KV caches with them; `isLoss` unless it was somebody's
    /// will.
    case down(reason: String, isLoss: Bool)
    case candidates(stepID: UInt64, Candidates)
    /// It will never be ready.
    case failed(String)
}
