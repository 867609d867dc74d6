// SPDX-License-Identifier: Apache-2.0

import Control
import Engine
import Model
import Platform
import Wire

/// One membership of a worker: from its hello until the control link ends.
///
/// Runs wholly on the worker's own thread.
final class WorkerSession {
    enum End {
        case stopped
        case refused(String)
        /// This worker can't do what it was assigned.
        case failed(String)
        /// The coordinator ended the link.
        case lost(String)
        /// This side ended the link for a reason that may pass.
        case broken(String)
        /// The worker can't have what its stage needs until somebody has done something about it.
        case hindered(String)
    }

    /// The stage that this worker holds or is about to.
    enum Work {
        case none
        case fetching(BlobFetch)
        case running(StageRunner, next: Link)
        /// The next stage can't be reached. If its worker has died a newer plan will come.
        case stranded(since: Duration, reason: String)
    }

    let configuration: WorkerConfiguration
    let cache: BlobCache
    /// The worker's own model file; nil once it was written to.
    private(set) var model: LocalModel?
    let control: Link
    let events: Mailbox<WorkerNode.Event>
    let hello: Hello
    let heart: Heart
    /// Counts what goes over data links.
    let dataTraffic: ByteTally
    let loads: LoadWatch
    var work = Work.none
    /// Of the stage at work, while which its blobs are marked as used, or of the last one.
    var kept: KeptStage?
    var dataLinks = DataLinks()
    /// Of a plan that is to come while the stage is at work.
    var preparer: BlobPreparer?
    /// When that last got on; nil once it is over.
    var preparingSince: Duration?
    var preparedBlobs: [HeldBlob] = []
    /// When the worker was told to end; nil while it wasn't.
    var leavingSince: Duration?
    /// When the assignment came.
    var fetchStart = Duration.zero
    /// Whether this process has had a stage loaded, in this session or an earlier one.
    var hasBeenReady: Bool
    /// How many blobs this session has asked for; numbers the requests.
    var blobRequestCount: UInt64 = 0
    /// What this process has done so far, without the stage at work.
    private(set) var pastCounters: StageCounters
    /// Links whose threads still run.
    private var openLinks: [ObjectIdentifier: Link] = [:]
    private(set) var isWelcome = false
    /// Of connections that had the token.
    var refusals = RefusalLog()
    /// The coordinator's.
    private var silence: Silence
    /// Whether the worker was told to stop while the session ended.
    private(set) var isStopped = false

    init(
        configuration: WorkerConfiguration, cache: BlobCache, model: LocalModel?, control: Link,
        events: Mailbox<WorkerNode.Event>, hello: Hello, counters: StageCounters,
        dataTraffic: ByteTally, loads: LoadWatch, hasBeenReady: Bool, kept: KeptStage?
    ) {
        self.configuration = configuration
        self.cache = cache
        self.model = model
        self.control = control
        self.events = events
        self.hello = hello
        pastCounters = counters
        self.dataTraffic = dataTraffic
        self.loads = loads
        self.hasBeenReady = hasBeenReady
        self.kept = kept
        heart = Heart(link: control, dataTraffic: dataTraffic)
        silence = Silence(gapMax: ClusterLimits.silentGapMax, now: MonotonicClock.now())
        open(control)
    }

    func run() -> End {
        heart.report(pastCounters)
        control.send(Frame(epoch: 0, id: 0, message: .hello(hello)))
        while true {
            let event = events.take(timeout: ClusterLimits.watchInterval)
            if event == nil, case .running(let runner, _) = work { runner.giveBack() }
            checkPatience()
            if let end = checkLeave() {
                // It would be missed: perhaps it was a link's last.
                if let event { settle(event) }
                return end
            }
            if let end = event.flatMap(handle) { return end }
            reportPreparation()
        }
    }

    /// Ends every link of the session and joins its threads.
    ///
    /// Readers may be waiting for room in the mailbox, so they are joined only after their last
    /// event has been taken from it. What does not end in time is cut off.
    func close() {
        // Whoever leaves of its own will says so; too late if the other side has ended the link.
        if leavingSince != nil { control.send(Frame(epoch: 0, id: 0, message: .bye)) }
        heart.stop()
        control.closeAfterSending()
        if leavingSince != nil { awaitFarewell() }
        endPreparation()
        dropWork()
        for link in openLinks.values where link !== control { link.close(reason: "session over") }
        for patience in [ClusterLimits.closingPatience, ClusterLimits.lingerTime] {
            settle(for: patience, until: { openLinks.isEmpty }) { $0.close(reason: "session over") }
            for link in openLinks.values { link.close(reason: "session over") }
        }
        if !openLinks.isEmpty { Log.error("\(openLinks.count) links of this worker do not end") }
    }

    /// Lets the coordinator take in that this worker leaves before data links end: an end without
    /// that word means a loss.
    private func awaitFarewell() {
        let id = ObjectIdentifier(control)
        settle(for: ClusterLimits.heartbeatTimeout, until: { openLinks[id] == nil }) { _ in }
    }

    /// Takes events that nothing is done about any more; links that come are for `onData`.
    private func settle(
        for time: Duration, until isDone: () -> Bool, onData: (Link) -> Void
    ) {
        let deadline = MonotonicClock.now() + time
        while !isDone(), let event = events.take(until: deadline) { settle(event, onData: onData) }
    }

    private func settle(_ event: WorkerNode.Event, onData: (Link) -> Void = { _ in }) {
        switch event.leftover {
        case .order: isStopped = true
        case .end(let link): retire(link)
        case .arrival(let link):
            open(link)
            onData(link)
        case .nothing: break
        }
    }

    /// Joins the link's threads once `.closed` has come from it.
    private func retire(_ link: Link) {
        link.finish()
        openLinks[ObjectIdentifier(link)] = nil
        dataLinks.remove(link)
    }

    func open(_ link: Link) { openLinks[ObjectIdentifier(link)] = link }

    /// Ends what has been silent for too long, and says when the worker has been stranded for long.
    private func checkPatience() {
        let now = MonotonicClock.now()
        Log.warnings(refusals.tick(now: now))
        // As the link's reader saw it: this thread may itself have been held up.
        silence.heard(at: now - control.silence)
        if silence.length(now: now) > ClusterLimits.heartbeatTimeout {
            control.close(reason: "no heartbeat for \(ClusterLimits.heartbeatTimeout)")
        }
        kept.letGoIfIdle(isWanted: isAtWork, now: now)
        if case .stranded(let since, let reason) = work,
            now - since > ClusterLimits.strandedPatience
        {
            work = .none
            let line = "plan \(dataLinks.epoch): \(reason), and there has been no newer plan since"
            // Of one that leaves, the coordinator ends the links.
            if leavingSince == nil { Log.warning(line) } else { Log.info(line) }
            control.send(
                Frame(
                    epoch: dataLinks.epoch, id: 0, message: .stranded(Stranded(reason: reason))))
        }
    }

    /// Whether a stage runs, or one or its blobs are on their way here.
    var isAtWork: Bool {
        switch work {
        case .none, .stranded: isPreparing
        case .fetching, .running: true
        }
    }

    /// Lets go of the model file if it was written to: its blobs are no longer those of the plans.
    ///
    /// For loading alone. A stage that runs needs nothing of the file, and the question may take
    /// as long as a network file system hangs.
    func letGoOfChangedModel() -> Bool {
        guard let model, heart.watching({ model.hasChanged }) else { return false }
        Log.warning(
            "\(model.path) was written to; blobs are shipped to this worker from now on. Restart "
                + "it to use the file again")
        self.model = nil
        return true
    }

    private func handle(_ event: WorkerNode.Event) -> End? {
        switch event {
        case .leave:
            if let end = leave() { return end }
        case .stop:
            leavingSince = leavingSince ?? MonotonicClock.now()
            return .stopped
        case .prepared: break
        case .control(let link, .closed(let reason)):
            retire(link)
            guard link === control else { return nil }
            let why = reason ?? "it closed the link"
            return link.isDismissed ? .broken(why) : .lost(why)
        case .control(let link, .frame(let frame)):
            return link === control && !link.isDismissed ? handleControl(frame) : nil
        case .next(let link, .closed(let reason)):
            retire(link)
            noteNextEnded(link, reason)
        case .next(let link, .frame(let frame)):
            link.end(after: frame, from: "the next stage at \(link.peer)")
        case .data(let link, .closed(let reason)):
            // Where this side refused it that was said; one that was let go of is no news.
            if !dataLinks.knows(link), let reason, !link.isDismissed { noteRefusal(link, reason) }
            retire(link)
        case .data(let link, .frame(let frame)):
            open(link)
            if !link.isDismissed { handleData(link, frame) }
        }
        return nil
    }

    // MARK: Control link

    private func handleControl(_ frame: Frame) -> End? {
        switch frame.message {
        case .welcome(let welcome): return begin(welcome)
        case .error(let notice): return end(after: notice)
        case .bye:
            return configuration.endsWithCoordinator ? .stopped : .lost("it is shutting down")
        case .assignment(let assignment) where isWelcome:
            // An older plan counts for nothing.
            return frame.epoch > dataLinks.epoch ? begin(assignment, epoch: frame.epoch) : nil
        case .preparation(let assignment) where isWelcome:
            if frame.epoch > dataLinks.epoch { prepare(assignment, epoch: frame.epoch) }
        case .blobChunk(let chunk) where isWelcome:
            // Chunks of a fetch that a newer plan has overtaken may still be under way.
            if frame.epoch == dataLinks.epoch { return take(chunk) }
            guard let preparer, preparer.epoch == frame.epoch else { return nil }
            preparingSince = preparingSince.map { _ in MonotonicClock.now() }
            if !preparer.take(chunk) {
                control.refuse(.unexpectedFrame, "more of a blob came than was asked for")
            }
        case .spare where isWelcome:
            if frame.epoch > dataLinks.epoch { rest(epoch: frame.epoch) }
        case .released where isWelcome:
            Log.info("released: the plan does without this worker")
            leavingSince = leavingSince ?? MonotonicClock.now()
            return .stopped
        case .assignment, .blobChunk, .preparation, .spare, .released:
            control.refuse(.unexpectedFrame, "welcome comes first")
        case .hello, .blobRequest, .ready, .heartbeat, .dataHello, .step, .candidates, .drain,
            .prepared, .stranded, .probe, .probeAnswer:
            control.refuse(.unexpectedFrame, "a coordinator does not send this frame")
        }
        return nil
    }

    private func end(after notice: ErrorNotice) -> End {
        guard isWelcome, notice.code != .refused else { return .refused(notice.message) }
        guard notice.code == .blobUnavailable else { return .lost(notice.message) }
        // Whoever starts the coordinator anew finds this worker there; a child is started with it.
        return configuration.endsWithCoordinator
            ? .refused(notice.message) : .hindered(notice.message)
    }

    private func begin(_ welcome: Welcome) -> End? {
        guard !isWelcome else {
            control.refuse(.unexpectedFrame, "welcome came twice")
            return nil
        }
        guard (hello.protocolMin...hello.protocolMax).contains(welcome.protocolVersion) else {
            let reason = "it chose protocol \(welcome.protocolVersion)"
            control.refuse(.unsupportedVersion, reason)
            return .refused(reason)
        }
        Log.info("joined \(control.peer) (protocol \(welcome.protocolVersion))")
        isWelcome = true
        do throws(ThreadError) {
            try heart.start(interval: .milliseconds(welcome.heartbeatMilliseconds))
        } catch {
            control.refuse(.internalFault, "\(error)")
        }
        return nil
    }

    /// Lets go of the stage, but not of its weights, and ends its link to the next one.
    func dropWork() {
        if case .running(let runner, let next) = work {
            pastCounters = pastCounters + runner.counters
            heart.watchNothing()
            next.close(reason: "plan over")
        }
        work = .none
        kept?.mark(asUsed: false)
    }
}
