// SPDX-License-Identifier: Apache-2.0

import Foundation
import Platform
import Synchronization
import TestSupport
import Testing

extension EndToEndTests {
    /// Blobs on their way to real processes, with the faults that disks and operators bring.
    @Suite struct ShippingTests {
        /// Makes the plan move from the cluster's only worker to `worker`.
        private func move(_ cluster: TestCluster, to worker: RunningProcess) {
            #expect(Deadline.wait { worker.errors.contains("joined") }, "\(worker.errors)")
            cluster.workers[0].terminate()
        }

        /// Runs what follows in a namespace where `directory` is a disk of 16 MiB.
        private static func onSmallDisk(_ directory: String) -> [String] {
            [
                "--map-root-user", "--mount", "sh", "-c",
                "mount -t tmpfs -o size=16m none \"$0\" && exec \"$@\"", directory,
            ]
        }

        /// Unprivileged user namespaces may be switched off.
        private static let canMount: Bool = {
            guard let directory = try? TemporaryDirectory(),
                let probe = try? RunningProcess(
                    "/usr/bin/unshare", onSmallDisk(directory.path) + ["/bin/true"], in: directory)
            else { return false }
            return (try? probe.waitForExit()) == 0
        }()

        private func workerArguments(
            _ cluster: TestCluster, _ name: String, joining address: SocketAddress? = nil
        ) throws -> [String] {
            try MeasuredSpeed.lay(in: cluster.directory.file(name))
            let coordinator = address?.description ?? "127.0.0.1:\(cluster.workersPort)"
            return [
                "worker", "--join", coordinator, "--name", name,
                "--memory", "512MiB", "--threads", "1", "--cache", cluster.directory.file(name),
            ]
        }

        /// While another worker serves, one without room is a spare that says why; alone, it ends.
        @Test(.enabled(if: canMount))
        func aFullDiskIsSaidWithWhatHelps() throws {
            let cluster = try TestCluster(
                workerCount: 1, serving: ["--context", "4096", "--slots", "2"])
            try FileManager.default.createDirectory(
                atPath: cluster.directory.file("small"), withIntermediateDirectories: false)
            let worker = try RunningProcess(
                "/usr/bin/unshare",
                Self.onSmallDisk(cluster.directory.file("small")) + [try Caravan.path()]
                    + (try workerArguments(cluster, "small")), in: cluster.directory)
            #expect(Deadline.wait { worker.errors.contains("joined") }, "\(worker.errors)")
            let question = cluster.chat(
                "Write a very long story about a caravan.", tokens: 3500, stream: true,
                ignoringEnd: true)
            let stream = try cluster.http.stream("/v1/chat/completions", question)
            #expect(stream.awaitEvents(10), "\(cluster.log)")

            cluster.workers[0].terminate()
            let isSaid = Deadline.wait {
                (try? cluster.status().members)?.contains {
                    $0.role == "draining" && $0.note.contains("has no room")
                } == true
            }
            #expect(isSaid, "\(cluster.log)")
            #expect(cluster.http.health() == 200)
            #expect(worker.isRunning)
            #expect(stream.awaitEvents(20), "\(cluster.log)")
            #expect(try !stream.hangUp().hasError)

            // Nothing runs any more, so the one that serves may go.
            #expect(try cluster.workers[0].waitForExit() == 0, "\(cluster.log)")
            #expect(try worker.waitForExit() == 1, "\(worker.errors)")
            let last = worker.errors.split(separator: "\n").last ?? ""
            #expect(last.contains("has no room") && last.contains("--cache-size"), "\(last)")
            try cluster.stop()
        }

        /// Bytes of blobs, and of parts of them, in a cache.
        private func heldBytes(_ cache: String) throws -> Int {
            try FileManager.default.contentsOfDirectory(atPath: cache)
                .filter { $0.count >= 64 }.reduce(0) { sum, name in
                    let attributes = try FileManager.default.attributesOfItem(
                        atPath: "\(cache)/\(name)")
                    return sum + (attributes[.size] as? Int ?? 0)
                }
        }

        /// It is killed between the first byte and the last: its way to the coordinator lets a part
        /// through, and nothing after it.
        @Test func aWorkerKilledWhileItIsShippedToIsContinued() throws {
            let cluster = try TestCluster(workerCount: 1)
            let total = try cluster.status().shippedBytes
            let cache = cluster.directory.file("killed")
            let passed = Counter()
            let gate = Mailbox<Void>(capacity: 1)
            let way = try DelayProxy(
                before: SocketAddress(host: "127.0.0.1", port: UInt16(cluster.workersPort)),
                delay: .zero
            ) { direction in
                { piece in
                    let isFull = direction == .toClient && passed.add(piece.count) > total / 2
                    if isFull { _ = gate.take() }
                    return piece
                }
            }
            let first = try Caravan.start(
                try workerArguments(cluster, "killed", joining: way.address),
                in: cluster.directory)
            move(cluster, to: first)
            #expect(Deadline.wait { (try? heldBytes(cache)) ?? 0 > 0 }, "\(first.errors)")
            first.kill()
            try first.waitForExit()
            gate.close()
            way.stop()
            let held = try heldBytes(cache)
            #expect(held > 0 && held < total)
            let second = try Caravan.start(
                try workerArguments(cluster, "killed"), in: cluster.directory)
            let isReady = Deadline.wait { second.errors.contains("ready: ") }
            #expect(isReady, "\(second.errors)")
            // While the plan with the other worker still serves, or after it.
            let isShippedTheRest = ["is prepared; ", "ready: "].contains { words in
                second.errors.contains("\(words)\(total - held) bytes were shipped")
            }
            #expect(isShippedTheRest, "\(held) of \(total) bytes were held; \(second.errors)")
            #expect(!second.errors.contains("damaged"), "\(second.errors)")
            let names = try FileManager.default.contentsOfDirectory(atPath: cache)
            #expect(!names.contains { $0.hasSuffix(".part") }, "\(names)")
            second.terminate()
            try second.waitForExit()
            try cluster.stop()
        }

        @Test func workersWithTheModelFileAreShippedNothing() throws {
            let cluster = try TestCluster(workerCount: 1)
            let before = try cluster.status().shippedBytes
            let worker = try Caravan.start(
                try workerArguments(cluster, "own") + ["--model", TestModel.path],
                in: cluster.directory)
            move(cluster, to: worker)
            let isReady = Deadline.wait { worker.errors.contains("ready: 0 bytes were shipped") }
            #expect(isReady, "\(worker.errors)")
            #expect(try cluster.status().shippedBytes == before)
            worker.terminate()
            try worker.waitForExit()
            try cluster.stop()
        }
    }
}

/// Bytes that have come one way, in all connections together.
private final class Counter: Sendable {
    private let sum = Mutex(0)

    /// How many there are with `count` more.
    func add(_ count: Int) -> Int {
        sum.withLock { sum in
            sum += count
            return sum
        }
    }
}
