// SPDX-License-Identifier: Apache-2.0

import Cluster
import Platform
import TestSupport
import Testing
import Wire

struct BlobFetchTests {
    private let directory: TemporaryDirectory
    private let cache: BlobCache

    init() throws {
        Log.setThreshold(.error)
        directory = try TemporaryDirectory()
        cache = BlobCache(directory: directory.file("cache"))
        try cache.prepare()
    }

    private func description(_ bytes: [UInt8]) throws -> BlobDescription {
        var hash = SHA256()
        hash.update(bytes)
        let digest = try #require(BlobDigest(hash.finish()))
        return BlobDescription(digest: digest, byteCount: UInt64(bytes.count), tensors: [])
    }

    private func fetch(_ blobs: [BlobDescription], from cache: BlobCache? = nil) -> BlobFetch {
        let shape = ModelShape(
            layerCount: 1, embeddingLength: 1, feedForwardLength: 1, headCount: 1, headCountKV: 1,
            headSize: 1, ropeDimensionCount: 1, vocabularySize: 1, contextLength: 1, ropeBase: 1,
            ropeScale: 1, rmsEpsilon: 0)
        return BlobFetch(
            assignment: Assignment(
                shape: shape, stage: 0, stageCount: 1, layerStart: 0, layerEnd: 1, slotCount: 1,
                contextLength: 1, rowCountMax: 1, wireType: .f32, pageCount: 1,
                pagePositionCount: 32, cacheType: .f16, nextAddress: "", blobs: blobs),
            cache: cache ?? self.cache)
    }

    private func asked(_ progress: BlobFetch.Progress) -> [BlobRequest] {
        if case .asking(let requests) = progress { requests } else { [] }
    }

    private func isComplete(_ progress: BlobFetch.Progress) -> Bool {
        if case .complete = progress { true } else { false }
    }

    private func chunk(_ blob: BlobDescription, at offset: UInt64, _ bytes: [UInt8]) -> BlobChunk {
        BlobChunk(digest: blob.digest, offset: offset, bytes: bytes)
    }

    /// Only where a blob is to be kept, and with what helps.
    @Test func aCacheThatCannotBeUsedThrows() throws {
        let path = try directory.write([1], to: "file")
        let blob = try description([1, 2, 3])
        for directory in [path, path + "/inside", "/dev/null"] {
            let cache = BlobCache(directory: directory)
            #expect(try cache.open(blob) == nil)
            #expect(isComplete(try fetch([], from: cache).start()))
            let error = #expect(throws: ShippingError.self) {
                try fetch([blob], from: cache).start()
            }
            #expect(error?.description.contains("cannot write \(directory): ") == true)
            #expect(error?.description.contains("--cache") == true)
        }
    }

    @Test func aCacheIsMadeForTheFirstBlob() throws {
        let cache = BlobCache(directory: directory.file("made/later"))
        #expect(isComplete(try self.fetch([], from: cache).start()))
        #expect(!FileSystem.exists(directory.file("made")))
        let blob = try description([1, 2, 3])
        let fetch = self.fetch([blob], from: cache)
        #expect(asked(try fetch.start()).count == 1)
        #expect(isComplete(try fetch.take(chunk(blob, at: 0, [1, 2, 3]))))
        #expect(try cache.open(blob) != nil)
    }

    @Test func missingAndCutBlobsAreAskedFor() throws {
        let good = try description([1, 2, 3])
        let cut = try description([4, 5, 6])
        let missing = try description([7, 8])
        try directory.write([1, 2, 3], to: "cache/" + good.digest.hexadecimal)
        try directory.write([4, 5], to: "cache/" + cut.digest.hexadecimal)
        let fetch = fetch([good, cut, missing, missing])
        #expect(
            asked(try fetch.start()) == [
                BlobRequest(digest: cut.digest, offset: 0, count: 3),
                BlobRequest(digest: missing.digest, offset: 0, count: 2),
            ])
        // A chunk of another blob is none of its business.
        #expect(asked(try fetch.take(chunk(good, at: 7, [1]))).isEmpty)
        #expect(asked(try fetch.take(chunk(cut, at: 0, [4, 5]))).isEmpty)
        #expect(!isComplete(try fetch.take(chunk(cut, at: 2, [6]))))
        #expect(isComplete(try fetch.take(chunk(missing, at: 0, [7, 8]))))
        #expect(fetch.shippedBytes == 5)
        #expect(fetch.held.count == 3)
        #expect(try cache.open(cut)?.byteCount == 3)
        #expect(isComplete(try self.fetch([good, cut, missing]).start()))
    }

    @Test func chunksThatDoNotContinueAreRefused() throws {
        let blob = try description([1, 2, 3])
        let fetch = fetch([blob])
        _ = try fetch.start()
        for (offset, bytes) in [(1, [2]), (0, [1, 2, 3, 4]), (0, [])] as [(UInt64, [UInt8])] {
            #expect(throws: ShippingError.outOfOrder(expected: 0, got: offset)) {
                try fetch.take(chunk(blob, at: offset, bytes))
            }
        }
    }

    @Test func wrongBytesNeverGetTheName() throws {
        let blob = try description([1, 2, 3])
        let path = cache.path(of: blob.digest)
        let fetch = fetch([blob])
        _ = try fetch.start()
        #expect(FileSystem.exists(path + ".part"))
        #expect(throws: ShippingError.wrongHash(blob.digest.hexadecimal)) {
            try fetch.take(chunk(blob, at: 0, [1, 2, 4]))
        }
        #expect(!FileSystem.exists(path))
        #expect(!FileSystem.exists(path + ".part"))
    }

    @Test func theNextAttemptResumesWhereTheLastOneBroke() throws {
        let blob = try description([1, 2, 3, 4, 5])
        do {
            let fetch = fetch([blob])
            _ = try fetch.start()
            _ = try fetch.take(chunk(blob, at: 0, [1, 2]))
        }
        let fetch = fetch([blob])
        #expect(
            asked(try fetch.start()) == [BlobRequest(digest: blob.digest, offset: 2, count: 3)])
        #expect(!isComplete(try fetch.take(chunk(blob, at: 2, [3]))))
        #expect(isComplete(try fetch.take(chunk(blob, at: 3, [4, 5]))))
        #expect(fetch.shippedBytes == 3)
    }

    @Test func aPartThatWasWholeIsOnlyHashed() throws {
        let blob = try description([1, 2, 3])
        try directory.write([1, 2, 3], to: "cache/\(blob.digest.hexadecimal).part")
        #expect(isComplete(try fetch([blob]).start()))
        #expect(try cache.open(blob) != nil)
    }

    @Test(arguments: [[1, 9], [1, 9, 3], [1, 2, 3, 4]] as [[UInt8]])
    func aDamagedPartIsShippedAnew(part: [UInt8]) throws {
        let blob = try description([1, 2, 3])
        try directory.write(part, to: "cache/\(blob.digest.hexadecimal).part")
        let fetch = fetch([blob])
        let whole = BlobRequest(digest: blob.digest, offset: 0, count: 3)
        var requests = asked(try fetch.start())
        if requests != [whole] {
            #expect(requests == [BlobRequest(digest: blob.digest, offset: 2, count: 1)])
            requests = asked(try fetch.take(chunk(blob, at: 2, [3])))
        }
        #expect(requests == [whole])
        #expect(isComplete(try fetch.take(chunk(blob, at: 0, [1, 2, 3]))))
    }

    @Test func noMoreIsAskedForThanThereIsRoomFor() throws {
        let size = ClusterLimits.shippingWindowBytes * 2
        let blob = try description([UInt8](repeating: 7, count: size))
        let last = try description([1])
        let fetch = fetch([blob, last])
        var waiting = asked(try fetch.start())
        var underWay = waiting.reduce(0) { $0 + Int($1.count) }
        #expect(underWay == ClusterLimits.shippingWindowBytes)
        while let request = waiting.first {
            waiting.removeFirst()
            let filler: UInt8 = request.digest == last.digest ? 1 : 7
            let bytes = [UInt8](repeating: filler, count: Int(request.count))
            let answer = BlobChunk(digest: request.digest, offset: request.offset, bytes: bytes)
            underWay -= bytes.count
            let more = asked(try fetch.take(answer))
            underWay += more.reduce(0) { $0 + Int($1.count) }
            #expect(underWay <= ClusterLimits.shippingWindowBytes)
            waiting += more
        }
        #expect(fetch.held.count == 2)
    }

    @Test func whatIsShippedTakesThePlaceOfABlobThatCannotBeRead() throws {
        let blob = try description([1, 2, 3])
        try directory.link(directory.file("nowhere"), as: "cache/" + blob.digest.hexadecimal)
        let fetch = fetch([blob])
        #expect(!asked(try fetch.start()).isEmpty)
        #expect(try cache.open(blob) == nil)
        #expect(isComplete(try fetch.take(chunk(blob, at: 0, [1, 2, 3]))))
        #expect(try cache.open(blob)?.byteCount == 3)
    }

    @Test func aCacheWithoutRoomSaysWhatToDo() throws {
        let small = BlobCache(directory: directory.file("small"), byteCountMax: 4096)
        let blob = try description([UInt8](repeating: 1, count: 5000))
        let error = #expect(throws: ShippingError.self) {
            try fetch([blob], from: small).start()
        }
        #expect(error?.description.contains("--cache-size") == true)
        #expect(error?.description.contains(" 4 KiB are lacking") == true)
    }

    @Test func theCacheLetsGoOfWhatWasUsedLeastRecently() throws {
        let blobs = try (1...4).map {
            try description([UInt8](repeating: UInt8($0), count: 8192))
        }
        let cache = BlobCache(directory: directory.file("bound"), byteCountMax: 3 * 8192)
        try cache.prepare()
        for (index, blob) in blobs.prefix(3).enumerated() {
            let name = "bound/" + blob.digest.hexadecimal
            try directory.write([UInt8](repeating: UInt8(index + 1), count: 8192), to: name)
            try directory.setModified(name, seconds: index)
        }
        // The oldest is wanted now, the second is in use elsewhere: the third has to go.
        let elsewhere = try cache.open(blobs[1])
        try directory.setModified("bound/" + blobs[1].digest.hexadecimal, seconds: 1)
        _ = try fetch([blobs[0], blobs[3]], from: cache).start()
        #expect(elsewhere != nil)
        #expect(
            blobs.map { FileSystem.exists(cache.path(of: $0.digest)) } == [
                true, true, false, false,
            ])
    }

    @Test func partsOfBlobsThatAreThereAreSweptAway() throws {
        let blob = try description([1, 2, 3])
        let name = "cache/" + blob.digest.hexadecimal
        try directory.write([1, 2, 3], to: name)
        try directory.write([1], to: name + ".2.part")
        try directory.write([1], to: "cache/notes.part")
        _ = BlobCache(directory: cache.directory)
        #expect(!FileSystem.exists(directory.file(name + ".2.part")))
        #expect(FileSystem.exists(directory.file("cache/notes.part")))
        #expect(FileSystem.exists(directory.file(name)))
    }
}
