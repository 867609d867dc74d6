// SPDX-License-Identifier: Apache-2.0

import Cluster
import Model
import Platform
import TestSupport
import Testing
import Wire

/// Whoever else finds the ports, here with the cluster token, in the other file without it: the
/// request that runs meanwhile does not notice.
@Suite(.serialized)
struct StrangerTests {
    struct Ports {
        let workers: SocketAddress
        let data: SocketAddress
    }

    /// Runs `disturb` while a request runs, then compares that request with an undisturbed one.
    func undisturbed(_ disturb: (Ports) throws -> Void) throws {
        let file = try TestModelFile()
        let cluster = try TestCluster(file.model, workerCount: 2)
        #expect(cluster.awaitReady(stageCount: 2))
        let expected = try cluster.coordinator.generate(.test(count: 200))
        let ports = Ports(
            workers: try #require(cluster.coordinator.workersAddress),
            data: try #require(SocketAddress(cluster.coordinator.status().stages[1].address)))
        let running = try TestRequest(cluster.coordinator, .test(count: 200))
        #expect(running.advance())
        try disturb(ports)
        #expect(running.finish() == expected)
        #expect(try cluster.coordinator.generate(.test(count: 200)) == expected)
        let status = cluster.coordinator.status()
        #expect(status.epoch == 1)
        #expect(status.stages.count == 2)
        cluster.stop()
    }

    func bothPorts(_ disturb: (SocketAddress) throws -> Void) throws {
        try undisturbed { ports in
            try disturb(ports.workers)
            try disturb(ports.data)
        }
    }

    @Test func randomBytes() throws {
        try bothPorts { port in
            var random = SeededRandom(seed: 11)
            for _ in 0..<20 {
                let client = try WireClient(port)
                client.send((0..<4096).map { _ in UInt8(truncatingIfNeeded: random.next()) })
                #expect(client.awaitError() == .malformed)
            }
        }
    }

    @Test func absurdLengths() throws {
        try bothPorts { port in
            var bytes = Frame(epoch: 0, id: 0, message: .hello(.test())).encoded()
            bytes.replaceSubrange(12..<16, with: [0xFF, 0xFF, 0xFF, 0x7F])
            let client = try WireClient(port)
            client.send(bytes)
            #expect(client.awaitError() == .malformed)
        }
    }

    @Test func silence() throws {
        var silent: [WireClient] = []
        try bothPorts { port in
            for _ in 0..<ClusterLimits.strangersMax / 2 { silent.append(try WireClient(port)) }
            let half = try WireClient(port)
            half.send(Array(Frame(epoch: 0, id: 0, message: .hello(.test())).encoded()[..<40]))
            silent.append(half)
        }
        #expect(silent.allSatisfy { $0.awaitEnd() })
    }

    @Test func framesThatMayNotBeFirst() throws {
        try bothPorts { port in
            for message in [
                Message.step(Step(rows: [])), .candidates(Candidates(rows: [], trail: [])), .bye,
            ] {
                let client = try WireClient(port)
                client.send(message, epoch: 1, id: 1)
                #expect(client.awaitError() == .unexpectedFrame)
            }
        }
    }

    @Test func workersOfOtherVersions() throws {
        try undisturbed { ports in
            for versions: ClosedRange<UInt16> in [0...0, 2...9] {
                let client = try WireClient(ports.workers)
                client.send(.hello(.test(versions: versions)))
                #expect(client.awaitError() == .unsupportedVersion)
            }
        }
    }

    @Test func workersOfNoUse() throws {
        try undisturbed { ports in
            for address in ["nowhere", "localhost:7071", "box.example:1"] {
                let addressless = try WireClient(ports.workers)
                addressless.send(.hello(.test(dataAddress: address)))
                #expect(addressless.awaitError() == .refused)
            }
            let poor = try WireClient(ports.workers)
            poor.send(.hello(.test(memory: 1)))
            #expect(poor.awaitError() == .refused)
        }
    }

    @Test func impostorsOnDataLinks() throws {
        try undisturbed { ports in
            let node = NodeID(high: 1, low: 2)
            for stage: UInt16 in [0, 1, 5, DataHello.coordinatorStage] {
                for epoch: UInt32 in [0, 1] {
                    for port in [ports.workers, ports.data] {
                        let client = try WireClient(port)
                        let hello = DataHello(protocolVersion: 1, node: node, fromStage: stage)
                        client.send(.dataHello(hello), epoch: epoch)
                        client.send(.step(Step(rows: [])), epoch: epoch, id: 1)
                        #expect(client.awaitError() == .refused)
                    }
                }
            }
        }
    }

    @Test func linksOfPlansToCome() throws {
        try undisturbed { ports in
            let hello = DataHello(
                protocolVersion: 1, node: NodeID(high: 1, low: 2), fromStage: 0)
            let early = try (0..<Limits.pendingLinksMax).map { number in
                let client = try WireClient(ports.data)
                client.send(.dataHello(hello), epoch: 50 + UInt32(number))
                return client
            }
            // A step on a link that waits is an error.
            let steps = try #require(early.last)
            steps.send(.step(Step(rows: [])), epoch: 50 + UInt32(early.count) - 1, id: 1)
            #expect(steps.awaitError() == .unexpectedFrame)
        }
    }
}
