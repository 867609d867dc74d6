// SPDX-License-Identifier: Apache-2.0

import Cluster
import Platform
import TestSupport
import Testing
import Wire

struct BlobCacheTests {
    /// 4,097 bytes take two pages of a disk, and as much of what the cache may have.
    @Test(arguments: [(12_300, false), (16_384, true)])
    func aBlobCountsForWholePages(byteCountMax: Int, staysBeside: Bool) throws {
        let directory = try TemporaryDirectory()
        let old = try directory.write(
            [UInt8](repeating: 1, count: 8192), to: String(repeating: "a", count: 64))
        let cache = BlobCache(directory: directory.path, byteCountMax: byteCountMax)
        let digest = try #require(BlobDigest([UInt8](repeating: 7, count: 32)))
        let coming = BlobDescription(digest: digest, byteCount: 4097, tensors: [])
        try cache.makeRoom(for: [coming], keeping: [coming])
        #expect(FileSystem.exists(old) == staysBeside)
    }
}
