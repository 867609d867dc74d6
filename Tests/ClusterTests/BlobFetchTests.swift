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
        directory = try TemporaryDirectory()
        cache = try BlobCache(directory: directory.file("cache"))
    }

    private func description(_ bytes: [UInt8]) throws -> BlobDescription {
        var hash = SHA256()
        hash.update(bytes)
        let digest = try #require(BlobDigest(hash.finish()))
        return BlobDescription(digest: digest, byteCount: UInt64(bytes.count), tensors: [])
    }

    private func fetch(_ blobs: [BlobDescription]) -> BlobFetch {
        let shape = ModelShape(
            layerCount: 1, embeddingLength: 1, feedForwardLength: 1, headCount: 1, headCountKV: 1,
            headSize: 1, ropeDimensionCount: 1, vocabularySize: 1, contextLength: 1, ropeBase: 1,
            ropeScale: 1, rmsEpsilon: 0)
        return BlobFetch(
            assignment: Assignment(
                shape: shape, stage: 0, stageCount: 1, layerStart: 0, layerEnd: 1, slotCount: 1,
                contextLength: 1, rowCountMax: 1, wireType: .f32, pageCount: 1,
                pagePositionCount: 32, cacheType: .f16, nextAddress: "", blobs: blobs),
            cache: cache, owner: "me")
    }

    @Test func missingAndDamagedBlobsAreAskedFor() throws {
        let good = try description([1, 2, 3])
        let damaged = try description([4, 5, 6])
        let missing = try description([7, 8])
        try directory.write([1, 2, 3], to: "cache/" + good.digest.hexadecimal)
        try directory.write([4, 5, 7], to: "cache/" + damaged.digest.hexadecimal)
        let fetch = fetch([good, damaged, missing, missing])
        #expect(try fetch.nextRequest() == BlobRequest(digest: damaged.digest, offset: 0))
        // A chunk of another blob is none of its business.
        let stray = BlobChunk(digest: good.digest, offset: 7, bytes: [1])
        guard case .more = try fetch.take(stray),
            case .more = try fetch.take(
                BlobChunk(digest: damaged.digest, offset: 0, bytes: [4, 5])),
            case .request(let next) = try fetch.take(
                BlobChunk(digest: damaged.digest, offset: 2, bytes: [6])),
            case .complete = try fetch.take(
                BlobChunk(digest: missing.digest, offset: 0, bytes: [7, 8]))
        else {
            Issue.record("the fetch went another way")
            return
        }
        #expect(next.digest == missing.digest)
        #expect(fetch.shippedBytes == 5)
        #expect(fetch.files.count == 3)
        #expect(try cache.open(damaged)?.byteCount == 3)
        #expect(try self.fetch([good, damaged, missing]).nextRequest() == nil)
    }

    @Test func chunksThatDoNotContinueAreRefused() throws {
        let blob = try description([1, 2, 3])
        let fetch = fetch([blob])
        _ = try fetch.nextRequest()
        for (offset, bytes) in [(1, [2]), (0, [1, 2, 3, 4]), (0, [])] as [(UInt64, [UInt8])] {
            #expect(throws: ShippingError.outOfOrder(expected: 0, got: offset)) {
                try fetch.take(BlobChunk(digest: blob.digest, offset: offset, bytes: bytes))
            }
        }
    }

    @Test func wrongBytesNeverGetTheName() throws {
        let blob = try description([1, 2, 3])
        let path = cache.path(of: blob.digest)
        do {
            let fetch = fetch([blob])
            _ = try fetch.nextRequest()
            #expect(FileSystem.exists(path + ".me.part"))
            #expect(throws: ShippingError.wrongHash(blob.digest.hexadecimal)) {
                try fetch.take(BlobChunk(digest: blob.digest, offset: 0, bytes: [1, 2, 4]))
            }
        }
        #expect(!FileSystem.exists(path))
        #expect(!FileSystem.exists(path + ".me.part"))
    }
}
