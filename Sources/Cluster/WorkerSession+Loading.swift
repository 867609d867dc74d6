// SPDX-License-Identifier: Apache-2.0

import Platform
import Wire

extension WorkerSession {
    /// Drops the old stage and starts on a new one.
    func begin(_ assignment: Assignment, epoch: UInt32) -> End? {
        dropWork()
        Log.info(
            "plan \(epoch): stage \(assignment.stage + 1) of \(assignment.stageCount), "
                + "layers \(assignment.layerStart)..<\(assignment.layerEnd)")
        for link in dataLinks.begin(epoch: epoch, stage: assignment.stage) {
            link.close(reason: "older plan")
        }
        let fetch = BlobFetch(assignment: assignment, cache: cache, owner: hello.node.hexadecimal)
        return loading {
            if let request = try fetch.nextRequest() {
                work = .fetching(fetch)
                ask(request)
            } else {
                try load(fetch)
            }
        }
    }

    func take(_ chunk: BlobChunk) -> End? {
        guard case .fetching(let fetch) = work else { return nil }
        return loading {
            switch try fetch.take(chunk) {
            case .more: break
            case .request(let request): ask(request)
            case .complete: try load(fetch)
            }
        }
    }

    /// Runs a part of loading. Another attempt would fail likewise, so its error ends the worker.
    private func loading(_ body: () throws -> Void) -> End? {
        do {
            try body()
            return nil
        } catch {
            work = .none
            Log.error("\(error)")
            control.refuse(.loadFailed, "\(error)")
            return .failed("\(error)")
        }
    }

    private func ask(_ request: BlobRequest) {
        blobRequestCount += 1
        control.send(
            Frame(epoch: dataLinks.epoch, id: blobRequestCount, message: .blobRequest(request)))
    }

    /// Loads the stage, connects to the next one and reports ready.
    private func load(_ fetch: BlobFetch) throws {
        work = .none
        let assignment = fetch.assignment
        let epoch = dataLinks.epoch
        let loader = StageLoader(
            assignment: assignment, threadCount: configuration.threadCount,
            memoryBudgetBytes: configuration.memoryBudgetBytes)
        let runner = try loader.load(fetch.files)
        guard let address = SocketAddress(assignment.nextAddress) else {
            throw ShippingError.unloadable("next address \(assignment.nextAddress)")
        }
        guard let next = connect(to: address) else { return }
        let greeting = DataHello(
            protocolVersion: Limits.protocolVersionMax, node: hello.node,
            fromStage: assignment.stage)
        next.send(Frame(epoch: epoch, id: 0, message: .dataHello(greeting)))
        work = .running(runner, next: next)
        heart.watch(assignment.stage + 1 < assignment.stageCount ? next : nil)
        let ready = Ready(
            residentBytes: UInt64(clamping: MemoryReading.residentBytes()),
            shippedBytes: fetch.shippedBytes)
        control.send(Frame(epoch: epoch, id: 0, message: .ready(ready)))
        Log.info("ready: \(fetch.shippedBytes) bytes were shipped for this stage")
    }

    /// The link to the next stage; nil, and the worker stranded, where nobody answers.
    private func connect(to address: SocketAddress) -> Link? {
        do {
            let stream = try ByteStream(
                connectingTo: address, timeout: ClusterLimits.connectTimeout,
                writeTimeout: ClusterLimits.writeTimeout)
            let link = Link(stream: stream, isStranger: false) { [events] link, event in
                events.post(.next(link, event))
            }
            open(link)
            return link
        } catch {
            strand("the next stage can't be reached: \(error)")
            return nil
        }
    }

    func noteNextEnded(_ link: Link, _ reason: String?) {
        guard case .running(_, let next) = work, next === link else { return }
        dropWork()
        strand("the link to the next stage ended: \(reason ?? "it closed the link")")
    }

    private func strand(_ reason: String) {
        Log.warning("plan \(dataLinks.epoch): \(reason)")
        work = .stranded(since: MonotonicClock.now(), reason: reason)
    }
}
