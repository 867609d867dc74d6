// SPDX-License-Identifier: Apache-2.0

import Cluster
import Model
import Platform
import TestSupport
import Testing

/// Blobs on their way to workers, whole clusters at a time.
@Suite(.serialized)
struct ShippingTests {
    private let file: TestModelFile
    private let caches: TemporaryDirectory

    init() throws {
        file = try TestModelFile()
        caches = try TemporaryDirectory()
    }

    /// Bytes of all blobs, each once.
    private var modelByteCount: Int { file.model.blobs.all.reduce(0) { $0 + $1.byteCount } }

    /// One worker's tokens and how many bytes were shipped to it.
    private func serve(
        cache: String, cacheSize: Int? = nil, model: String? = nil
    ) throws -> (tokens: [UInt32], shipped: Int) {
        let cluster = try TestCluster(file.model, workerCount: 0, caches: caches)
        defer { cluster.stop() }
        try cluster.addWorker(cache: caches.file(cache), cacheSize: cacheSize, model: model)
        guard cluster.awaitReady(stageCount: 1) else { return ([], -1) }
        let generated = try cluster.coordinator.generate(.test())
        return (generated.ids, cluster.coordinator.status().shippedBytes)
    }

    private func name(_ blob: Int) throws -> String {
        try file.model.blobs.layers[blob].digest()
            .map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    @Test func aWorkerWithTheModelFileIsShippedNothing() throws {
        let shipped = try serve(cache: "plain")
        #expect(shipped.shipped == modelByteCount)
        for _ in 0..<2 {
            let found = try serve(cache: "own", model: file.path)
            #expect(found.shipped == 0)
            #expect(found.tokens == shipped.tokens)
        }
        let kept = try FileSystem.entries(of: caches.file("own")).map(\.name)
        #expect(kept.count == 1 && kept[0].hasPrefix("digests-"), "\(kept)")
    }

    /// A cache that can't be written to matters to those alone who have to keep blobs.
    @Test func aWorkerWithTheModelFileNeedsNoCache() throws {
        try caches.write([], to: "file")
        let shipped = try serve(cache: "plain")
        let found = try serve(cache: "file/blobs", model: file.path)
        #expect(found.shipped == 0 && found.tokens == shipped.tokens)

        let cluster = try TestCluster(file.model, workerCount: 0, caches: caches)
        defer { cluster.stop() }
        let error = #expect(throws: ShippingError.self) {
            try cluster.addWorker(cache: caches.file("file/blobs"))
        }
        #expect(error?.description.contains("--cache") == true)
        let other = try TestModelFile(seed: 2)
        let worker = try cluster.addWorker(cache: caches.file("file/blobs"), model: other.path)
        let end = try #require(worker.awaitEnd())
        #expect(end.contains(caches.file("file/blobs")) && end.contains("--cache"), "\(end)")
        withExtendedLifetime(other) {}
    }

    @Test func anotherModelFileIsOfNoUseAndNoHarm() throws {
        let other = try TestModelFile(seed: 2)
        let shipped = try serve(cache: "plain")
        #expect(try serve(cache: "other", model: other.path) == shipped)
    }

    @Test func aModelFileThatIsNoneEndsTheWorker() throws {
        let path = try caches.write([1, 2, 3], to: "bad.gguf")
        for path in [path, caches.file("missing.gguf")] {
            let cluster = try TestCluster(file.model, workerCount: 0)
            defer { cluster.stop() }
            let worker = try cluster.addWorker(cache: caches.file("x"), model: path)
            #expect(worker.awaitEnd()?.contains(path) == true)
        }
    }

    @Test func wrongDigestsOfAModelFileAreFoundOutAndRepaired() throws {
        let shipped = try serve(cache: "own", model: file.path)
        let index = try #require(try FileSystem.entries(of: caches.file("own")).first).name
        // Two layers swapped, and the line that guards the others made anew.
        let text = String(decoding: try read("own/" + index), as: UTF8.self)
        var body = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let layers = body.indices.filter { body[$0].contains(" layer ") }
        for (mine, other) in [(layers[0], layers[1]), (layers[1], layers[0])] {
            let digits = try name(layers.firstIndex(of: other) ?? 0)
            body[mine] = "blob \(digits)" + body[mine].dropFirst(69)
        }
        let end = try #require(body.firstIndex { $0.hasPrefix("end ") })
        var hash = SHA256()
        hash.update(Array((body[..<end].joined(separator: "\n") + "\n").utf8))
        let guardDigits = hash.finish().map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
        body[end] = "end " + guardDigits.joined()
        try caches.write(Array(body.joined(separator: "\n").utf8), to: "own/" + index)
        let repaired = try serve(cache: "own", model: file.path)
        #expect(repaired.tokens == shipped.tokens)
        #expect(repaired.shipped == 2 * file.model.blobs.layers[0].byteCount)
        // The file was hashed anew since.
        try FileSystem.entries(of: caches.file("own")).forEach {
            if CacheRoom.blobName(of: $0.name) != nil {
                FileSystem.remove(caches.file("own/" + $0.name))
            }
        }
        let again = try serve(cache: "own", model: file.path)
        #expect(again.tokens == shipped.tokens)
        #expect(again.shipped == 0)
    }

    @Test(arguments: [0, 10, 500])
    func aDamagedListOfDigestsIsMadeAnew(position: Int) throws {
        _ = try serve(cache: "own", model: file.path)
        let index = try #require(try FileSystem.entries(of: caches.file("own")).first).name
        var bytes = try read("own/" + index)
        bytes[position] ^= 1
        try caches.write(bytes, to: "own/" + index)
        #expect(try serve(cache: "own", model: file.path).shipped == 0)
    }

    @Test func aPartThatAKilledWorkerLeftIsContinued() throws {
        let blob = file.model.blobs.layers[1]
        let half = blob.byteCount / 2
        try FileSystem.makeDirectory(caches.file("half"))
        let part = try blob.read(offset: 0, count: half)
        try caches.write(part, to: "half/\(try name(1)).part")
        let served = try serve(cache: "half")
        #expect(served.shipped == modelByteCount - half)
        // A part with a wrong byte costs the whole blob again, and nothing else.
        try FileSystem.makeDirectory(caches.file("wrong"))
        var damaged = part
        damaged[3] ^= 64
        try caches.write(damaged, to: "wrong/\(try name(1)).part")
        let repaired = try serve(cache: "wrong")
        #expect(repaired.shipped == modelByteCount - half + blob.byteCount)
        #expect(repaired.tokens == served.tokens)
    }

    @Test func workersThatShareACacheDoNotDisturbEachOther() throws {
        let expected = try serve(cache: "plain").tokens
        let cluster = try TestCluster(
            file.model, workerCount: 0, expecting: 3, caches: caches)
        for _ in 0..<3 { try cluster.addWorker(cache: caches.file("shared")) }
        #expect(cluster.awaitReady(stageCount: 3))
        #expect(try cluster.coordinator.generate(.test()).ids == expected)
        cluster.stop()
        let names = try FileSystem.entries(of: caches.file("shared")).map(\.name)
        #expect(names.allSatisfy { !$0.hasSuffix(".part") }, "\(names)")
    }

    @Test func aChangedPlanMovesOnlyWhatIsMissing() throws {
        let cluster = try TestCluster(file.model, workerCount: 0, caches: caches)
        try cluster.addWorker()
        #expect(cluster.awaitReady(stageCount: 1))
        let coordinator = cluster.coordinator
        let expected = try coordinator.generate(.test())
        let before = coordinator.status().shippedBytes
        // What the first worker goes on with is in its memory, and not read again.
        for blob in file.model.blobs.layers.indices {
            try caches.overwrite([UInt8](repeating: 0, count: 64), in: "w0/\(name(blob))")
        }
        try cluster.addWorker()
        #expect(cluster.awaitReady(stageCount: 2))
        #expect(try coordinator.generate(.test()) == expected)
        // The first worker has everything; the second got its own share, and no more.
        let stages = cluster.coordinator.status().stages
        let second = try #require(stages.first { $0.worker == "w1" })
        let share = file.model.blobs.blobs(forLayers: second.layerStart..<second.layerEnd)
            .reduce(0) { $0 + $1.byteCount }
        #expect(cluster.coordinator.status().shippedBytes - before == share)
        cluster.stop()
    }

    @Test func aBoundedCacheGivesWayToTheModelServed() throws {
        let blobBytes = file.model.blobs.all.reduce(0) {
            $0 + CacheRoom.footprint(ofByteCount: $1.byteCount)
        }
        let old = try serve(cache: "bound", cacheSize: blobBytes)
        #expect(old.shipped == modelByteCount)
        #expect(try serve(cache: "bound", cacheSize: blobBytes).shipped == 0)
        let other = try TestModelFile(seed: 9)
        let cluster = try TestCluster(other.model, workerCount: 0, caches: caches)
        try cluster.addWorker(cache: caches.file("bound"), cacheSize: blobBytes)
        #expect(cluster.awaitReady(stageCount: 1))
        cluster.stop()
        let total = try FileSystem.entries(of: caches.file("bound")).reduce(0) {
            $0 + $1.byteCount
        }
        #expect(total <= blobBytes)
        let none = try TestCluster(file.model, workerCount: 0, caches: caches)
        let worker = try none.addWorker(cache: caches.file("tiny"), cacheSize: 1000)
        #expect(worker.awaitEnd()?.contains("--cache-size") == true)
        none.stop()
    }

    /// The stage at work needs nothing of it; the next one is shipped.
    @Test func aWorkersOwnModelFileThatChangesIsLetGo() throws {
        let copy = try caches.write(try file.bytes(), to: "copy.gguf")
        let cluster = try TestCluster(file.model, workerCount: 0, caches: caches)
        let coordinator = cluster.coordinator
        try cluster.addWorker(model: copy)
        #expect(cluster.awaitReady(stageCount: 1))
        #expect(coordinator.status().shippedBytes == 0)
        let expected = try coordinator.generate(.test())
        try caches.setModified("copy.gguf", seconds: 1)
        try cluster.addWorker()
        #expect(cluster.awaitReady(stageCount: 2))
        #expect(try coordinator.generate(.test()) == expected)
        let status = coordinator.status()
        #expect(status.shippedBytes == modelByteCount)
        #expect(status.epoch == 2)
        #expect(!status.events.contains { $0.text.contains("is gone") })
        cluster.stop()
    }

    private func read(_ name: String) throws -> [UInt8] {
        let file = try MappedFile(path: caches.file(name))
        return file.withUnsafeBytes(0..<file.byteCount) { Array($0) }
    }
}
