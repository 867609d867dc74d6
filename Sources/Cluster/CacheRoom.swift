// SPDX-License-Identifier: Apache-2.0

package import Platform

/// Decides which files leave the blob cache so that what is to come has room.
///
/// Least recently used first, and never a kept one. Beside its own bound the cache may fill the
/// disk but for the last 5 %, at most 4 GiB, which other programs need.
package struct CacheRoom {
    private static let reserveByteCountMax = 4 << 30
    private static let pageByteCount = 4096

    /// Most recently used first.
    private var candidates: [FileSystem.Entry]
    private var usedByteCount: Int
    private var freeByteCount: Int
    private let byteCountMax: Int
    private let reserveByteCount: Int

    /// `entries` are all files of the cache's directory; those that are no blobs count for nothing.
    /// `kept` names the blobs that must stay.
    package init(
        entries: [FileSystem.Entry], kept: Set<String>, byteCountMax: Int?,
        disk: (freeByteCount: Int, byteCount: Int)
    ) {
        let blobs = entries.filter { Self.blobName(of: $0.name) != nil }
        candidates = blobs.filter { !kept.contains(Self.blobName(of: $0.name) ?? "") }
            .sorted { $0.modifiedNanoseconds > $1.modifiedNanoseconds }
        usedByteCount = blobs.reduce(0) { $0 + $1.byteCount }
        freeByteCount = disk.freeByteCount
        reserveByteCount = min(disk.byteCount / 20, Self.reserveByteCountMax)
        self.byteCountMax = byteCountMax ?? .max
    }

    /// How many bytes are lacking for `byteCount` more; 0 when they fit.
    package func shortage(for byteCount: Int) -> Int {
        guard byteCount > 0 else { return 0 }
        return max(
            0, byteCount - (byteCountMax - usedByteCount),
            byteCount - (freeByteCount - reserveByteCount))
    }

    /// The next file that has to go; nil when `byteCount` more bytes fit, or nothing is left.
    package mutating func nextVictim(for byteCount: Int) -> FileSystem.Entry? {
        shortage(for: byteCount) == 0 ? nil : candidates.popLast()
    }

    /// Notes that `entry` is gone.
    package mutating func noteRemoved(_ entry: FileSystem.Entry) {
        usedByteCount -= entry.byteCount
        freeByteCount += entry.byteCount
    }

    /// What a file of `byteCount` takes on the disk: file systems give whole pages.
    package static func footprint(ofByteCount byteCount: Int) -> Int {
        (byteCount + pageByteCount - 1) / pageByteCount * pageByteCount
    }

    /// The blob that a file holds, whole or in part; nil for other files.
    package static func blobName(of fileName: String) -> String? {
        let digits = fileName.utf8.prefix { (48...57).contains($0) || (97...102).contains($0) }
        let rest = fileName.utf8.dropFirst(digits.count)
        guard digits.count == 64, rest.isEmpty || fileName.hasSuffix(".part") else { return nil }
        return String(decoding: digits, as: UTF8.self)
    }
}
