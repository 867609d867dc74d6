// SPDX-License-Identifier: Apache-2.0

import Cluster
import Testing
import Wire

struct DataLinksTests {
    private func hello(_ stage: UInt16, version: UInt16 = 1) -> DataHello {
        DataHello(protocolVersion: version, node: NodeID(high: 1, low: 1), fromStage: stage)
    }

    private func isAccepted(_ greeting: DataLinks.Greeting) -> Bool {
        if case .accepted = greeting { true } else { false }
    }

    private func refusal(_ greeting: DataLinks.Greeting) -> ErrorNotice.Code? {
        if case .refused(let code, _) = greeting { code } else { nil }
    }

    @Test func aLinkMayOvertakeItsAssignment() throws {
        let pair = try LinkPair()
        var links = DataLinks()
        guard case .held(nil) = links.greet(pair.near, hello(0), epoch: 3) else {
            Issue.record("not held")
            return
        }
        #expect(links.pass(stepID: 1, epoch: 3, on: pair.near) != .run)
        #expect(links.begin(epoch: 3, stage: 1).isEmpty)
        #expect(links.pass(stepID: 1, epoch: 3, on: pair.near) == .run)
        #expect(links.pass(stepID: 2, epoch: 3, on: pair.near) == .run)
        #expect(
            links.begin(epoch: 4, stage: 1).map(ObjectIdentifier.init) == [
                ObjectIdentifier(pair.near)
            ])
        pair.finish()
    }

    @Test func atMostFourWaitAndTheOldestGoes() throws {
        let pairs = try (0...Limits.pendingLinksMax).map { _ in try LinkPair() }
        var links = DataLinks()
        for (index, pair) in pairs.enumerated() {
            let greeting = links.greet(pair.near, hello(0), epoch: 9)
            guard case .held(let evicted) = greeting else {
                Issue.record("\(greeting)")
                continue
            }
            let expected = index == Limits.pendingLinksMax ? pairs[0].near : nil
            #expect(evicted === expected)
        }
        #expect(!links.knows(pairs[0].near))
        // One of those that fit is taken up, the others end.
        #expect(links.begin(epoch: 9, stage: 1).count == Limits.pendingLinksMax - 1)
        #expect(links.pass(stepID: 1, epoch: 9, on: pairs[1].near) == .run)
        for pair in pairs { pair.finish() }
    }

    @Test func onlyTheStageBeforeMaySend() throws {
        let pair = try LinkPair()
        var links = DataLinks()
        #expect(refusal(links.greet(pair.near, hello(0), epoch: 0)) == .refused)
        #expect(links.begin(epoch: 2, stage: 2).isEmpty)
        #expect(refusal(links.greet(pair.near, hello(1), epoch: 1)) == .refused)
        #expect(refusal(links.greet(pair.near, hello(0), epoch: 2)) == .refused)
        #expect(
            refusal(links.greet(pair.near, hello(1, version: 2), epoch: 2))
                == .unsupportedVersion)
        #expect(isAccepted(links.greet(pair.near, hello(1), epoch: 2)))
        #expect(refusal(links.greet(pair.near, hello(1), epoch: 2)) == .unexpectedFrame)
        #expect(refusal(links.greet(pair.far, hello(1), epoch: 2)) == .refused)
        links.remove(pair.near)
        #expect(isAccepted(links.greet(pair.far, hello(1), epoch: 2)))
        pair.finish()
    }

    @Test func stepsAscendByOneInTheEpochOfTheirLink() throws {
        let pair = try LinkPair()
        var links = DataLinks()
        #expect(links.pass(stepID: 1, epoch: 1, on: pair.near) != .run)
        _ = links.begin(epoch: 2, stage: 0)
        let coordinator = hello(DataHello.coordinatorStage)
        #expect(isAccepted(links.greet(pair.near, coordinator, epoch: 2)))
        #expect(links.pass(stepID: 2, epoch: 2, on: pair.near) != .run)
        #expect(links.pass(stepID: 1, epoch: 1, on: pair.near) == .stale)
        #expect(links.pass(stepID: 1, epoch: 2, on: pair.near) == .run)
        #expect(links.pass(stepID: 1, epoch: 2, on: pair.near) != .run)
        #expect(links.pass(stepID: 2, epoch: 3, on: pair.near) != .run)
        #expect(links.pass(stepID: 2, epoch: 2, on: pair.near) == .run)
        pair.finish()
    }
}
