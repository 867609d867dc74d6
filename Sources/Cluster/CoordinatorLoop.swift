// SPDX-License-Identifier: Apache-2.0

import Control
import Model
import Platform
import Wire

/// What reaches the coordinator's thread.
enum CoordinatorEvent: Sendable {
    case submit(
        [GenerationRequest], deliver: @Sendable (Int, GenerationEvent) -> Void,
        reply: Mailbox<Result<[RequestID], GenerationError>>)
    case cancel(RequestID)
    case status(reply: Mailbox<ClusterStatus>)
    case drain(worker: String, reply: Mailbox<Result<Void, DrainRefusal>>)
    /// Answered once steps can be computed (nil) or never will be.
    case awaitReady(reply: Mailbox<GenerationError?>)
    case backend(BackendEvent)
    case stop
}

/// The coordinator's own thread: feeds events to the scheduler and carries its directives out.
final class CoordinatorLoop {
    private let model: LoadedModel
    private let backend: any StepBackend
    private var scheduler: Scheduler
    private var requests: [UInt64: ActiveRequest] = [:]
    private var waiters: [Mailbox<GenerationError?>] = []
    private var lastID: UInt64 = 0
    private var isUp = false
    /// Why the latest pipeline went down.
    private var lossReason = ""
    /// nil while nobody waits for the recovery from a loss.
    private var outage: Outage?
    private var failure: GenerationError?
    private var counters = ClusterCounters(now: MonotonicClock.now())
    private var lastTick = MonotonicClock.now()
    private let onFailure: (GenerationError) -> Void

    /// `onFailure` hears when there will never be a pipeline again.
    init(
        model: LoadedModel, backend: any StepBackend, pages: PageDemand, prefillChunk: Int? = nil,
        guessCountMax: Int = 0, onFailure: @escaping (GenerationError) -> Void
    ) {
        self.onFailure = onFailure
        self.model = model
        self.backend = backend
        var limits = SchedulerLimits(model, pages: pages)
        limits.promptRowsBesideDecode = prefillChunk
        limits.guessCountMax = guessCountMax
        scheduler = Scheduler(limits: limits)
    }

    /// Works until `stop` comes; then every request has been failed and the backend stopped.
    func run(_ events: Mailbox<CoordinatorEvent>) {
        loop: while true {
            let event = events.take(timeout: ClusterLimits.tickInterval)
            carryOut(scheduler.tick(now: MonotonicClock.now(), isLoading: backend.isLoading))
            tickIfDue()
            switch event {
            case nil: break
            case .stop?: break loop
            case .submit(let requests, let deliver, let reply)?:
                reply.offer(Result { () throws(GenerationError) in try submit(requests, deliver) })
            case .cancel(let id)?: cancel(id)
            case .status(let reply)?: reply.offer(status())
            case .drain(let worker, let reply)?: drain(worker, reply)
            case .awaitReady(let reply)?:
                if isUp || failure != nil { reply.offer(failure) } else { waiters.append(reply) }
            case .backend(let event)?: act(on: backend.handle(event))
            }
            counters.note(isBusy: !requests.isEmpty, now: MonotonicClock.now())
        }
        failure = .shuttingDown
        for request in requests.values { request.fail(.shuttingDown) }
        for waiter in waiters { waiter.offer(.shuttingDown) }
        requests = [:]
        // Closed before the backend joins its threads: none of them waits for room in it then.
        events.close()
        while let event = events.take() { turnAway(event) }
        backend.stop()
    }

    /// Answers what came too late.
    private func turnAway(_ event: CoordinatorEvent) {
        switch event {
        case .submit(_, _, let reply): reply.offer(.failure(.shuttingDown))
        case .status(let reply): reply.offer(status())
        case .awaitReady(let reply): reply.offer(.shuttingDown)
        case .drain(_, let reply): reply.offer(.failure(.shuttingDown))
        case .cancel, .backend, .stop: break
        }
    }

    private func tickIfDue() {
        let now = MonotonicClock.now()
        guard now - lastTick >= ClusterLimits.tickInterval else { return }
        lastTick = now
        act(on: backend.tick(isIdle: scheduler.isIdle))
        reassure(after: ClusterLimits.waitingInterval)
    }

    private func cancel(_ id: RequestID) {
        requests[id.value] = nil
        noteGone(id.value)
        if scheduler.isRunning(id.value) { counters.cancelled(now: MonotonicClock.now()) }
        carryOut(scheduler.cancel(id.value))
    }

    /// All or none.
    private func submit(
        _ requests: [GenerationRequest],
        _ deliver: @escaping @Sendable (Int, GenerationEvent) -> Void
    ) throws(GenerationError) -> [RequestID] {
        if let failure { throw failure }
        let sequences = requests.enumerated().map { place, request in
            SequenceRequest(
                id: lastID + UInt64(place) + 1, prompt: request.prompt, sampling: request.sampling,
                tokenCountMax: request.tokenCountMax, ignoresEnd: request.ignoresEnd,
                topLogProbabilities: request.topLogProbabilities ?? 0)
        }
        let directives: [SchedulerDirective]
        do {
            directives = try scheduler.submit(sequences)
        } catch {
            let seconds = counters.retryAfterSeconds(
                waiting: scheduler.waiting, now: MonotonicClock.now())
            throw GenerationError(error, detail: status().detail, retryAfterSeconds: seconds)
        }
        for (place, request) in requests.enumerated() {
            lastID += 1
            self.requests[lastID] = ActiveRequest(
                request, tokenizer: model.served.tokenizer, now: MonotonicClock.now(),
                deliver: { deliver(place, $0) })
        }
        carryOut(directives)
        return sequences.map { RequestID($0.id) }
    }

    private func drain(_ worker: String, _ reply: Mailbox<Result<Void, DrainRefusal>>) {
        do throws(DrainRefusal) {
            let outcomes = try backend.drain(worker: worker)
            reply.offer(.success(()))
            act(on: outcomes)
        } catch {
            reply.offer(.failure(error))
        }
    }

    private func status() -> ClusterStatus {
        var status = ClusterStatus(
            model: model.served.name, contextLength: scheduler.limits.lengthMax,
            layerCount: model.hyperparameters.layerCount)
        backend.describe(in: &status)
        status.slotCount = scheduler.limits.slotCount
        status.pageCount = scheduler.limits.pageCount
        status.pageTokens = scheduler.limits.pagePositionCount
        status.pagesInUse = scheduler.pagesInUse
        status.pagesKept = scheduler.pagesKept
        status.preemptions = scheduler.preemptionCount
        status.guesses = scheduler.guessCount
        status.rightGuesses = scheduler.rightGuessCount
        status.slotsInUse = scheduler.running
        status.waiting = scheduler.waiting
        // A free slot may lack pages, or a pipeline: whoever would have it waits as well.
        status.waitingMax = ClusterLimits.queueMax + status.slotCount - status.slotsInUse
        status.stepsInFlight = scheduler.stepsInFlight
        let now = MonotonicClock.now()
        counters.fill(&status, now: now)
        status.streams = streams(now: now)
        status.vocabularyTableBytes = model.served.tokenizer.tableByteCount
        return status
    }

    private func streams(now: Duration) -> [StreamStatus] {
        let running = scheduler.runningIDs
        let oldest = requests.keys.sorted().prefix(ClusterLimits.shownStreamsMax)
        return oldest.compactMap { id in
            requests[id]?.status(id: id, isRunning: running.contains(id), now: now)
        }
    }

    // MARK: Outcomes and directives

    private func act(on outcomes: [BackendOutcome]) {
        for outcome in outcomes {
            switch outcome {
            case .up(let epoch, let stageCount, let pageCount, let promptRowSeconds):
                isUp = true
                counters.pipelineChanged(now: MonotonicClock.now())
                for waiter in waiters { waiter.offer(nil) }
                waiters = []
                carryOut(
                    scheduler.pipelineUp(
                        epoch: epoch, stageCount: stageCount, pageCount: pageCount,
                        promptRowSeconds: promptRowSeconds))
            case .down(let reason, let isLoss):
                isUp = false
                lossReason = reason
                noteLoss()
                counters.pipelineChanged(now: MonotonicClock.now())
                carryOut(scheduler.pipelineDown(isLoss: isLoss))
                reassure(after: .zero)
            case .failed(let reason): giveUp(reason)
            case .candidates(let id, let candidates):
                let passage = counters.arrived(
                    stepID: id, trail: candidates.trail, now: MonotonicClock.now())
                if let passage { backend.learn(from: passage, trail: candidates.trail) }
                do {
                    let directives = try scheduler.candidatesArrived(stepID: id, candidates)
                    if passage?.promptRowCount == 0 {
                        counters.gave(tokenCount: directives.count { $0.isToken() })
                    }
                    carryOut(directives)
                } catch {
                    Log.error("wrong candidates for step \(id): \(error)")
                    act(on: backend.distrust("the last stage answered wrongly"))
                }
            }
        }
    }

    private func noteLoss() {
        let running = scheduler.runningIDs
        guard !running.isEmpty else { return }
        if outage == nil {
            outage = Outage(streams: running, now: MonotonicClock.now())
        } else {
            outage?.repeated(streams: running)
        }
    }

    private func noteAlive(_ id: UInt64) {
        endOutage(outage?.noteAlive(id, now: MonotonicClock.now()))
    }

    private func noteGone(_ id: UInt64) { endOutage(outage?.noteGone(id)) }

    private func endOutage(_ line: String?) {
        guard let line else { return }
        outage = nil
        Log.info(line)
    }

    /// There will never be a pipeline again.
    private func giveUp(_ reason: String) {
        let error = GenerationError.notReady(reason)
        failure = error
        onFailure(error)
        for waiter in waiters { waiter.offer(error) }
        waiters = []
        for (id, request) in requests {
            request.fail(error)
            carryOut(scheduler.cancel(id))
        }
        requests = [:]
    }

    /// Tells those who have heard nothing for `interval` that they still wait.
    private func reassure(after interval: Duration) {
        let now = MonotonicClock.now()
        for id in requests.keys { requests[id]?.reassure(after: interval, now: now) }
    }

    private func carryOut(_ directives: [SchedulerDirective]) {
        let now = MonotonicClock.now()
        // Whoever waits for a token can wait until the stages have work again.
        for case .forward(let stepID, let step) in directives {
            backend.forward(stepID: stepID, step)
        }
        var stopped: [UInt64] = []
        for (index, directive) in directives.enumerated() {
            switch directive {
            case .forward(let stepID, let step):
                counters.sent(stepID: stepID, step, now: now)
                outage?.noteForwarded(promptRowCount: step.rows.count { $0.want == .nothing })
            case .prefilled: counters.prefilled(now: now)
            case .token(let id, let token, let logProbability, let alternatives):
                // Of several at once those after a stop text are no part of the answer.
                guard !stopped.contains(id) else { continue }
                let count = directives[index...].prefix { $0.isToken(of: id) }.count
                if let timing = requests[id]?.timing(now: now, among: count) {
                    counters.token(timing, now: now)
                }
                let isStopped = requests[id]?.take(
                    token, logProbability: logProbability, alternatives: alternatives, now: now,
                    among: count)
                if isStopped == true { stopped.append(id) }
                noteAlive(id)
            case .finished(let id, let reason, _, _):
                counters.finished(now: now)
                requests[id]?.finish(reason)
                requests[id] = nil
                noteAlive(id)
            case .failed(let id, _) where stopped.contains(id):
                // Only what comes after the stop text has failed.
                counters.finished(now: now)
                requests[id]?.finish(.stop)
                requests[id] = nil
                noteGone(id)
            case .failed(let id, let failure):
                noteGone(id)
                let error: GenerationError =
                    switch failure {
                    case .notANumber: .notANumber
                    case .notRecovered, .lostTooOften, .tooLong:
                        .workerLost("\(lossReason), and \(failure)")
                    }
                requests.removeValue(forKey: id)?.fail(error)
            }
        }
        for id in stopped { carryOut(scheduler.finish(id, reason: .stop)) }
    }
}

extension SchedulerDirective {
    /// Of the sequence `id`, or of any.
    fileprivate func isToken(of id: UInt64? = nil) -> Bool {
        if case .token(let found, _, _, _) = self { id == nil || id == found } else { false }
    }
}

extension SchedulerLimits {
    fileprivate init(_ model: LoadedModel, pages: PageDemand) {
        self.init(
            slotCount: pages.slotCount, contextLength: model.served.contextLength,
            rowCountMax: ClusterLimits.rowCountMax, queueCountMax: ClusterLimits.queueMax,
            vocabularyCount: model.hyperparameters.vocabularySize,
            endOfGeneration: model.served.tokenizer.endOfGeneration)
        stepsInFlightMax = ClusterLimits.stepsInFlightMax
        recoveryLimit = ClusterLimits.recoveryLimit
        pagePositionCount = pages.pagePositionCount
        pageCount = pages.wanted
        keptCountMax = ClusterLimits.keptCountMax
    }
}

extension GenerationError {
    init(
        _ refusal: SchedulerRefusal, detail: @autoclosure () -> String, retryAfterSeconds: Int
    ) {
        switch refusal {
        case .emptyPrompt: self = .emptyPrompt
        case .promptTooLong(let tokens, let contextLength):
            self = .promptTooLong(tokens: tokens, contextLength: contextLength)
        case .queueFull(let waiting):
            self = .queueFull(waiting: waiting, retryAfterSeconds: retryAfterSeconds)
        case .notReady: self = .notReady(detail())
        case .tokenOutOfRange(let token, let count):
            self = .tokenOutOfRange(token: token, vocabularyCount: count)
        }
    }
}
