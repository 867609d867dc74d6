// SPDX-License-Identifier: Apache-2.0

import Cluster
import Control
import Model
import TestSupport
import Testing

/// What a client may ask of a coordinator; the place where layers are computed does not matter.
@Suite(.serialized)
struct RequestTests {
    private let file: TestModelFile

    init() throws { file = try TestModelFile(layers: 2) }

    @Test func cancellingFreesTheSlot() throws {
        // Two hops of 20 ms for each token: neither request ends by itself meanwhile.
        let cluster = try DelayedCluster(
            file.model, workerCount: 1, slotCount: 1, delay: .milliseconds(20))
        #expect(cluster.awaitReady(stageCount: 1))
        let coordinator = cluster.coordinator
        let running = try TestRequest(coordinator, .test(count: 200))
        let queued = try TestRequest(coordinator, .test(count: 200))
        #expect(running.advance())
        #expect(coordinator.status().slotsInUse == 1)
        #expect(coordinator.status().waiting == 1)
        coordinator.cancel(queued.id)
        #expect(coordinator.status().waiting == 0)
        // Who had no slot frees none.
        #expect(coordinator.status().retryAfterSeconds == ServiceRate.retrySeconds.upperBound)
        coordinator.cancel(running.id)
        coordinator.cancel(running.id)
        #expect(coordinator.status().slotsInUse == 0)
        #expect(coordinator.status().retryAfterSeconds == ServiceRate.retrySeconds.lowerBound)
        #expect(coordinator.status().requestsServed == 0)
        #expect(queued.isSilent)
        #expect(try coordinator.generate(.test(count: 3)).ids.count == 3)
        cluster.stop()
    }

    @Test func aPromptThatComesAgainIsNotComputedAgain() throws {
        let coordinator = try Coordinator.inProcess(file.model)
        let rows = { coordinator.status().stages.reduce(0) { $0 + $1.rowCount } }
        let first = try coordinator.generate(.test(length: 150, count: 3))
        let firstRows = rows()
        #expect(firstRows >= 150)
        // Two pages of 64 positions were kept.
        #expect(try coordinator.generate(.test(length: 150, count: 3)) == first)
        #expect(rows() - firstRows == 150 - 128 + 2)
        coordinator.stop()
    }

    @Test func aFullQueueRefuses() throws {
        let coordinator = try Coordinator.inProcess(file.model, slotCount: 1)
        var requests: [TestRequest] = []
        var refusal: GenerationError?
        // The first ones may be done before the queue is full; each takes long enough that
        // submitting overtakes them.
        while refusal == nil, requests.count < ClusterLimits.queueMax * 8 {
            do throws(GenerationError) {
                requests.append(try TestRequest(coordinator, .test(count: 200)))
            } catch { refusal = error }
        }
        #expect(requests.count > ClusterLimits.queueMax)
        guard case .queueFull(ClusterLimits.queueMax, let seconds)? = refusal else {
            Issue.record("refused for another reason: \(String(describing: refusal))")
            return
        }
        // From the rate at which requests were completed so far, if any were.
        #expect(ServiceRate.retrySeconds.contains(seconds))
        let last = requests.suffix(2)
        for request in requests.dropLast(2) { coordinator.cancel(request.id) }
        #expect(last.allSatisfy { $0.finish().ids.count == 200 })
        coordinator.stop()
    }

    @Test func generationEndsBeforeAStopText() throws {
        let coordinator = try Coordinator.inProcess(file.model)
        let whole = try coordinator.generate(.test(count: 60))
        // A text in the middle of the output, found by its characters.
        let middle = whole.text.index(whole.text.startIndex, offsetBy: whole.text.count / 2)
        let stop = String(whole.text[middle...].prefix(3))
        let place = try #require(whole.text.utf8Range(of: stop))
        var request = GenerationRequest.test(count: 60)
        request.stop = ["never in it", stop]
        let cut = try coordinator.generate(request)
        #expect(Array(cut.text.utf8) == Array(Array(whole.text.utf8)[..<place]))
        #expect(cut.reason == .stop)
        #expect(cut.ids.count < whole.ids.count)
        #expect(cut.ids == Array(whole.ids[..<cut.ids.count]))
        #expect(coordinator.status().slotsInUse == 0)
        coordinator.stop()
    }

    @Test func generationEndsWithTheContext() throws {
        let coordinator = try Coordinator.inProcess(file.model)
        var request = GenerationRequest.test(length: 250)
        request.tokenCountMax = nil
        let full = try coordinator.generate(request)
        #expect(full.reason == .length)
        #expect(full.ids.count == 6)
        #expect(throws: GenerationError.promptTooLong(tokens: 256, contextLength: 256)) {
            try coordinator.generate(.test(length: 256))
        }
        #expect(throws: GenerationError.emptyPrompt) {
            try coordinator.generate(.test(length: 0))
        }
        var foreign = GenerationRequest.test()
        foreign.prompt[3] = 100_000
        #expect(throws: GenerationError.self) { try coordinator.generate(foreign) }
        #expect(try coordinator.generate(.test(count: 0)).ids.isEmpty)
        coordinator.stop()
    }

    @Test func stoppingFailsWhatRuns() throws {
        // Deep enough that the tokens take far longer than this thread needs to wake.
        let deep = try TestModelFile(layers: 64)
        let coordinator = try Coordinator.inProcess(deep.model)
        let running = try TestRequest(coordinator, .test(count: 200))
        #expect(running.advance())
        coordinator.stop()
        #expect(running.finish().error == .shuttingDown)
        #expect(throws: GenerationError.shuttingDown) { try coordinator.generate(.test()) }
        #expect(coordinator.status().state == "stopping")
    }

    @Test func beforeWorkersJoinRequestsAreRefused() throws {
        let cluster = try TestCluster(file.model, workerCount: 0)
        #expect(cluster.coordinator.status().state == "starting")
        #expect(throws: GenerationError.self) { try cluster.coordinator.generate(.test()) }
        guard case .stopped = cluster.coordinator.awaitReady(until: { true }, progress: { _ in })
        else {
            Issue.record("ready without workers")
            return
        }
        cluster.stop()
    }

    @Test func twoStagesSeeTheSameCancellations() throws {
        let cluster = try TestCluster(file.model, workerCount: 2, slotCount: 2)
        #expect(cluster.awaitReady(stageCount: 2))
        let expected = try cluster.coordinator.generate(.test())
        for _ in 0..<5 {
            let cancelled = try TestRequest(cluster.coordinator, .test(count: 200, seed: 3))
            let kept = try TestRequest(cluster.coordinator, .test())
            #expect(cancelled.advance())
            cluster.coordinator.cancel(cancelled.id)
            #expect(kept.finish() == expected)
        }
        #expect(cluster.coordinator.status().slotsInUse == 0)
        cluster.stop()
    }
}

extension String {
    /// Where `text` first begins, in bytes.
    fileprivate func utf8Range(of text: String) -> Int? {
        let all = Array(utf8)
        let wanted = Array(text.utf8)
        return all.indices.first { all[$0...].starts(with: wanted) }
    }
}
