// SPDX-License-Identifier: Apache-2.0

import Control
import Engine
import Model
import Platform
import Synchronization
import Wire

/// All layers in this process, as one stage on a thread of its own.
final class LocalBackend: StepBackend {
    private let work = Mailbox<(UInt64, Step)>(capacity: ClusterLimits.stepsInFlightMax)
    private let thread: OSThread
    private let board = LocalBoard()
    private let configuration: StageConfiguration
    private var isReady = false
    private var failure: String?

    /// Starts to load; `post` hears when it is done.
    init(
        configuration: StageConfiguration, tensors: [Tensor],
        post: @escaping @Sendable (BackendEvent) -> Void
    ) throws(ThreadError) {
        self.configuration = configuration
        thread = try OSThread(name: "stage") { [work, board] in
            do {
                let engine = try StageEngine(configuration: configuration, tensors: tensors) {
                    (byteCount) throws(EngineError) in
                    board.note(loaded: byteCount)
                    if work.isClosed { throw .loadingStopped }
                }
                let runner = StageRunner(stage: 0, engine: engine)
                board.note(isa: engine.isa.rawValue)
                post(.localReady)
                while let (id, step) = Self.next(work, runner) {
                    let output = try runner.run(step, sendMicroseconds: 0)
                    board.note(resident: runner.residentByteCount, runner.counters)
                    if case .candidates(let candidates) = output {
                        post(.localCandidates(stepID: id, candidates))
                    }
                }
            } catch {
                post(.localFailed("\(error)"))
            }
        }
    }

    /// The next step; memory is given back before it, and while there is none. nil at the end.
    private static func next(
        _ work: Mailbox<(UInt64, Step)>, _ runner: StageRunner
    ) -> (UInt64, Step)? {
        while runner.giveBack() > 0 {
            if let next = work.take(timeout: ClusterLimits.watchInterval) { return next }
        }
        return work.take()
    }

    func handle(_ event: BackendEvent) -> [BackendOutcome] {
        switch event {
        case .localReady:
            isReady = true
            return [
                .up(
                    epoch: 1, stageCount: 1, pageCount: configuration.pageCount,
                    promptRowSeconds: nil)
            ]
        case .localFailed(let reason):
            failure = reason
            return [.down(reason: reason, isLoss: true), .failed(reason)]
        case .localCandidates(let id, let candidates):
            return [.candidates(stepID: id, candidates)]
        // It has no links.
        case .link, .unshippable: return []
        }
    }

    func tick(isIdle: Bool) -> [BackendOutcome] { [] }

    /// Once it is ready there is nothing to load again.
    var isLoading: Bool { false }

    func forward(stepID: UInt64, _ step: Step) { work.offer((stepID, step)) }

    /// There is nothing to plan.
    func learn(from passage: StageTimes.Passage, trail: [StageTiming]) {}

    func distrust(_ reason: String) -> [BackendOutcome] {
        failure = reason
        return [.down(reason: reason, isLoss: true), .failed(reason)]
    }

    func drain(worker: String) throws(DrainRefusal) -> [BackendOutcome] { throw .noWorkers }

    func describe(in status: inout ClusterStatus) {
        let reading = board.reading
        status.state = isReady ? "ready" : "loading"
        let progress = isReady ? "" : "packing weights, \(reading.loadedBytes >> 20) MiB done"
        status.detail = failure ?? progress
        status.epoch = isReady ? 1 : 0
        var stage = StageStatus(
            stage: 0, worker: "in-process", layerStart: configuration.layers.lowerBound,
            layerEnd: configuration.layers.upperBound)
        stage.isa = reading.isa
        stage.threads = configuration.threadCount
        stage.residentBytes = reading.residentBytes
        stage.stepCount = Int(reading.counters.stepCount)
        stage.rowCount = Int(reading.counters.rowCount)
        status.stages = [stage]
    }

    func stop() {
        work.close()
        thread.join()
    }
}

/// What the stage's thread shows to the coordinator's.
private final class LocalBoard: Sendable {
    struct Reading {
        var loadedBytes = 0
        var residentBytes = 0
        var counters = StageCounters()
        var isa = ""
    }

    private let state = Mutex(Reading())

    var reading: Reading { state.withLock { $0 } }

    func note(loaded bytes: Int) { state.withLock { $0.loadedBytes = bytes } }

    func note(isa: String) { state.withLock { $0.isa = isa } }

    func note(resident bytes: Int, _ counters: StageCounters) {
        state.withLock {
            $0.residentBytes = bytes
            $0.counters = counters
        }
    }
}
