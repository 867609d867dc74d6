// SPDX-License-Identifier: Apache-2.0

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
        case lost(String)
    }

    /// The stage that this worker holds or is about to.
    private enum Work {
        case none
        case fetching(BlobFetch, epoch: UInt32)
        case running(StageRunner, next: Link, epoch: UInt32)
    }

    private let configuration: WorkerConfiguration
    private let cache: BlobCache
    private let control: Link
    private let events: Mailbox<WorkerNode.Event>
    private let hello: Hello
    private let heart: Heart
    private var work = Work.none
    /// Data links that have said who they are, by the epoch they belong to.
    private var dataLinks: [ObjectIdentifier: (link: Link, epoch: UInt32)] = [:]
    private var isWelcome = false

    init(
        configuration: WorkerConfiguration, cache: BlobCache, control: Link,
        events: Mailbox<WorkerNode.Event>, hello: Hello
    ) {
        self.configuration = configuration
        self.cache = cache
        self.control = control
        self.events = events
        self.hello = hello
        heart = Heart(link: control)
    }

    func run() -> End {
        control.send(Frame(epoch: 0, id: 0, message: .hello(hello)))
        while true {
            guard let event = events.take(timeout: ClusterLimits.heartbeatInterval) else {
                if control.silence > ClusterLimits.heartbeatTimeout {
                    control.close(reason: "no heartbeat for \(ClusterLimits.heartbeatTimeout)")
                }
                continue
            }
            switch event {
            case .stop:
                control.send(Frame(epoch: 0, id: 0, message: .bye))
                return .stopped
            case .control(let link, let event) where link === control:
                if let end = handleControl(event) { return end }
            case .control(let link, .closed), .next(let link, .closed):
                link.finish()
                noteNextEnded(link)
            case .control(_, .frame), .next(_, .frame): break
            case .data(let link, let event): handleData(link, event)
            }
        }
    }

    /// Ends every link of the session and joins its threads.
    func close() {
        control.closeAfterSending()
        heart.stop()
        control.finish()
        dropWork()
        for (link, _) in dataLinks.values {
            link.close(reason: "session over")
            link.finish()
        }
        dataLinks = [:]
    }

    // MARK: Control link

    private func handleControl(_ event: Link.Event) -> End? {
        switch event {
        case .closed(let reason): return .lost(reason ?? "it closed the link")
        case .frame(let frame):
            switch frame.message {
            case .welcome(let welcome):
                Log.info("joined \(control.peer) (protocol \(welcome.protocolVersion))")
                isWelcome = true
                heart.start()
            case .assignment(let assignment):
                begin(assignment, epoch: frame.epoch)
            case .blobChunk(let chunk): take(chunk)
            case .error(let notice):
                return isWelcome && notice.code != .refused
                    ? .lost(notice.message) : .refused(notice.message)
            case .bye:
                return configuration.endsWithCoordinator
                    ? .stopped : .lost("it is shutting down")
            case .hello, .blobRequest, .ready, .heartbeat, .dataHello, .step, .candidates:
                fail(.unexpectedFrame, "a coordinator does not send this frame")
            }
            return nil
        }
    }

    // MARK: Loading

    private func begin(_ assignment: Assignment, epoch: UInt32) {
        dropWork()
        Log.info(
            "plan \(epoch): stage \(assignment.stage + 1) of \(assignment.stageCount), "
                + "layers \(assignment.layerStart)..<\(assignment.layerEnd)")
        for (key, entry) in dataLinks where entry.epoch < epoch {
            entry.link.close(reason: "older plan")
            dataLinks[key] = nil
        }
        let fetch = BlobFetch(assignment: assignment, cache: cache, owner: hello.node.hexadecimal)
        do {
            if let request = try fetch.nextRequest() {
                work = .fetching(fetch, epoch: epoch)
                control.send(Frame(epoch: epoch, id: 0, message: .blobRequest(request)))
            } else {
                try load(fetch, epoch: epoch)
            }
        } catch { fail(.loadFailed, "\(error)") }
    }

    private func take(_ chunk: BlobChunk) {
        // A chunk of a fetch that a newer plan has overtaken is of no use.
        guard case .fetching(let fetch, let epoch) = work else { return }
        do {
            switch try fetch.take(chunk) {
            case .more: break
            case .request(let request):
                control.send(Frame(epoch: epoch, id: 0, message: .blobRequest(request)))
            case .complete: try load(fetch, epoch: epoch)
            }
        } catch {
            work = .none
            fail(.loadFailed, "\(error)")
        }
    }

    /// Loads the stage, connects to the next one and reports ready.
    private func load(_ fetch: BlobFetch, epoch: UInt32) throws {
        work = .none
        let assignment = fetch.assignment
        let runner = try StageLoader(assignment: assignment, threadCount: configuration.threadCount)
            .load(from: cache)
        guard let address = SocketAddress(assignment.nextAddress) else {
            throw ShippingError.unloadable("next address \(assignment.nextAddress)")
        }
        let stream = try ByteStream(
            connectingTo: address, timeout: ClusterLimits.connectTimeout,
            writeTimeout: ClusterLimits.writeTimeout)
        let next = Link(stream: stream, isStranger: false) { [events] link, event in
            events.post(.next(link, event))
        }
        let greeting = DataHello(
            protocolVersion: Limits.protocolVersionMax, node: hello.node,
            fromStage: assignment.stage)
        next.send(Frame(epoch: epoch, id: 0, message: .dataHello(greeting)))
        work = .running(runner, next: next, epoch: epoch)
        heart.report(runner)
        let ready = Ready(
            residentBytes: UInt64(clamping: MemoryReading.residentBytes()),
            shippedBytes: fetch.shippedBytes)
        control.send(Frame(epoch: epoch, id: 0, message: .ready(ready)))
        Log.info("ready: \(fetch.shippedBytes) bytes were shipped for this stage")
    }

    private func dropWork() {
        if case .running(_, let next, _) = work {
            next.close(reason: "plan over")
            next.finish()
        }
        work = .none
    }

    private func noteNextEnded(_ link: Link) {
        if case .running(_, let next, let epoch) = work, next === link {
            Log.warning("plan \(epoch): the link to the next stage ended")
            work = .none
        }
    }

    /// Tells the coordinator what went wrong here; it decides what becomes of the plan.
    private func fail(_ code: ErrorNotice.Code, _ message: String) {
        Log.error(message)
        let epoch: UInt32 = if case .running(_, _, let epoch) = work { epoch } else { 0 }
        control.send(
            Frame(epoch: epoch, id: 0, message: .error(ErrorNotice(code: code, message: message))))
    }

    // MARK: Data links

    private func handleData(_ link: Link, _ event: Link.Event) {
        let key = ObjectIdentifier(link)
        switch event {
        case .closed(let reason):
            if dataLinks.removeValue(forKey: key) == nil, let reason {
                Log.warning("connection from \(link.peer) refused: \(reason)")
            }
            link.finish()
        case .frame(let frame):
            switch frame.message {
            case .dataHello(let greeting) where dataLinks[key] == nil:
                guard greeting.protocolVersion == Limits.protocolVersionMax else {
                    return refuse(
                        link, .unsupportedVersion, "speak protocol \(Limits.protocolVersionMax)")
                }
                dataLinks[key] = (link, frame.epoch)
            case .step(let step):
                guard let entry = dataLinks[key], entry.epoch == frame.epoch else {
                    return refuse(link, .unexpectedFrame, "a step came before its dataHello")
                }
                run(step, id: frame.id, epoch: frame.epoch)
            case .hello, .welcome, .assignment, .blobRequest, .blobChunk, .ready, .heartbeat,
                .error, .bye, .dataHello, .candidates:
                refuse(link, .unexpectedFrame, "a data link carries dataHello, then steps")
            }
        }
    }

    private func refuse(_ link: Link, _ code: ErrorNotice.Code, _ message: String) {
        link.send(
            Frame(epoch: 0, id: 0, message: .error(ErrorNotice(code: code, message: message))))
        link.closeAfterSending()
    }

    private func run(_ step: Step, id: UInt64, epoch: UInt32) {
        // Frames of an older plan are dropped.
        guard case .running(let runner, let next, let current) = work, current == epoch else {
            return
        }
        do {
            let sent = next.traffic.lastSendMicroseconds
            switch try runner.run(step, sendMicroseconds: sent) {
            case .next(let step): next.send(Frame(epoch: epoch, id: id, message: .step(step)))
            case .candidates(let candidates):
                next.send(Frame(epoch: epoch, id: id, message: .candidates(candidates)))
            }
            heart.report(runner)
        } catch {
            fail(.stepFailed, "step \(id): \(error)")
        }
    }
}
