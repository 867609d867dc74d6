// SPDX-License-Identifier: Apache-2.0

import Cluster
import Glibc
import Platform
import TestSupport
import Testing
import Wire

/// What a worker measures of itself, and where it keeps that.
struct SelfMeasurementTests {
    /// The hello of a worker that measures itself.
    private func hello(cache: String, memoryBudgetBytes: Int = 64 << 20) throws -> Hello {
        let listener = try Listener(
            SocketAddress(host: "127.0.0.1", port: 0), security: TestCluster.security)
        let worker = try TestWorker(
            WorkerConfiguration(
                coordinator: listener.address,
                dataListen: SocketAddress(host: "127.0.0.1", port: 0),
                security: TestCluster.security, name: "w", cacheDirectory: cache,
                memoryBudgetBytes: memoryBudgetBytes, threadCount: 1, endsWithCoordinator: true,
                measuresSpeed: true))
        defer { worker.stop() }
        let stream = try #require(listener.accept(writeTimeout: TestCluster.patience))
        let peer = try WireClient(stream)
        guard case .hello(let hello)? = peer.receive()?.message else {
            throw SelfMeasurementTestFault.noHello
        }
        return hello
    }

    /// In a small container a worker with a large budget would be ended before its first word.
    @Test(arguments: [(8 << 30, 120 << 20, 30 << 20), (1 << 30, 8 << 30, 256 << 20), (64, 0, 16)])
    func measuringTakesAPartOfWhatThereReallyIs(budget: Int, free: Int, room: Int) {
        let found = SelfMeasurement.roomBytes(memoryBudgetBytes: budget, availableBytes: free)
        #expect(found == room)
    }

    /// A service may write to its cache directory alone (`ProtectSystem=strict`).
    @Test func figuresAreKeptWithinTheCacheDirectory() throws {
        Log.setThreshold(.error)
        let parent = try TemporaryDirectory()
        let cache = parent.file("cache")
        #expect(mkdir(cache, 0o700) == 0)
        #expect(chmod(parent.path, 0o555) == 0)
        defer { chmod(parent.path, 0o755) }
        let first = try hello(cache: cache).speed
        #expect(first.readBytesPerSecond > 0 && first.int8OperationsPerSecond > 0)
        // To root the mode says nothing, so this is looked at besides.
        #expect(try FileSystem.entries(of: parent.path) == [])
        let kept = try FileSystem.entries(of: cache).map(\.name)
        #expect(kept.sorted() == ["speed"])
        #expect(kept.allSatisfy { CacheRoom.blobName(of: $0) == nil })
        // Measured anew it would hardly come out the same to the last digit.
        #expect(try hello(cache: cache).speed == first)
    }

    /// What was measured with as little as a cache holds is no word on a worker with more memory.
    @Test func littleMemoryIsMeasuredForItself() throws {
        Log.setThreshold(.error)
        let cache = try TemporaryDirectory()
        let little = try hello(cache: cache.path).speed
        #expect(try hello(cache: cache.path, memoryBudgetBytes: 256 << 20).speed != little)
        #expect(try hello(cache: cache.path).speed == little)
    }
}

private enum SelfMeasurementTestFault: Error { case noHello }
