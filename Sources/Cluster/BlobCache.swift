// SPDX-License-Identifier: Apache-2.0

import Control
package import Platform
package import Wire

/// A worker's content-addressed store of blobs on disk: one file each, named by its SHA-256.
///
/// Workers may share a directory: files in use are marked by locks that end with their process. A
/// file's time of modification says when it was last used.
package struct BlobCache: Sendable {
    package let directory: String
    /// What all blobs may take together; nil for what the disk has, see `CacheRoom`.
    private let byteCountMax: Int?

    /// Removes parts of blobs that are there whole. The directory need not be there, nor be one
    /// that can be written to: a worker with the model file keeps no blobs.
    package init(directory: String, byteCountMax: Int? = nil) {
        self.directory = directory
        self.byteCountMax = byteCountMax
        let entries = (try? FileSystem.entries(of: directory)) ?? []
        let names = Set(entries.map(\.name))
        for entry in entries {
            guard let blob = CacheRoom.blobName(of: entry.name), blob != entry.name,
                names.contains(blob)
            else { continue }
            _ = FileSystem.removeUnused(path(ofFile: entry.name))
        }
    }

    /// Makes the directory where there is none. Throws `ShippingError.cacheUnusable` where blobs
    /// can't be kept.
    package func prepare() throws(ShippingError) {
        do throws(FileError) {
            try FileSystem.makeDirectory(directory)
            try FileSystem.checkUsable(directory)
        } catch {
            throw .cacheUnusable(directory: directory, error)
        }
    }

    /// The blob's file, not hashed yet; nil when it is not there, can't be read, or was damaged and
    /// has been removed. Throws `FileError` where the fault is not the file's.
    package func open(_ blob: BlobDescription) throws(FileError) -> MappedFile? {
        let path = path(of: blob.digest)
        guard FileSystem.exists(path) else { return nil }
        do throws(FileError) {
            let file = try MappedFile(path: path)
            if file.byteCount == Int(blob.byteCount) {
                file.mark(asUsed: true)
                return file
            }
            discard(blob, reason: "it has \(file.byteCount) of \(blob.byteCount) bytes")
        } catch {
            if error.isShortage { throw error }
            // What is shipped takes its place.
            Log.warning("\(error); the blob will be shipped")
        }
        return nil
    }

    /// Removes a damaged blob, and says so.
    package func discard(_ blob: BlobDescription, reason: String) {
        let path = path(of: blob.digest)
        Log.warning("blob \(path) is damaged (\(reason)); removed, it will be shipped again")
        FileSystem.remove(path)
    }

    /// Prepares for `missing`, if there are any: removes what was used least recently until they
    /// fit, but no blob of `keeping`, nor one that another worker uses. Throws
    /// `ShippingError.cacheUnusable`, or `noRoom` where that does not suffice.
    package func makeRoom(for missing: [BlobDescription], keeping: [BlobDescription]) throws {
        guard !missing.isEmpty else { return }
        try prepare()
        guard let disk = FileSystem.space(at: directory) else { return }
        let entries = try FileSystem.entries(of: directory)
        let coming = Set(missing.map(\.digest.hexadecimal))
        let begun = begunByteCount(of: coming, entries)
        let whole = missing.reduce(0) { $0 + CacheRoom.footprint(ofByteCount: Int($1.byteCount)) }
        let need = max(0, whole - begun)
        var room = CacheRoom(
            entries: entries, kept: Set(keeping.map(\.digest.hexadecimal)),
            byteCountMax: byteCountMax, disk: disk)
        var removedByteCount = 0
        while let victim = room.nextVictim(for: need) {
            guard FileSystem.removeUnused(path(ofFile: victim.name)) else { continue }
            room.noteRemoved(victim)
            removedByteCount += victim.byteCount
        }
        if removedByteCount > 0 {
            Log.info(
                "removed \(ByteCount(UInt64(removedByteCount))) of blobs not used lately from "
                    + directory)
        }
        let shortage = room.shortage(for: need)
        guard shortage == 0 else {
            throw ShippingError.noRoom(
                directory: directory, needByteCount: need, shortByteCount: shortage)
        }
    }

    /// What is here of the blobs `names` and can be taken up: no part that another worker writes.
    private func begunByteCount(of names: Set<String>, _ entries: [FileSystem.Entry]) -> Int {
        var begun: [String: Int] = [:]
        // In the order in which parts are tried: `.part`, `.2.part` and so on.
        for entry in entries.sorted(by: { ($0.name.count, $0.name) < ($1.name.count, $1.name) }) {
            guard let name = CacheRoom.blobName(of: entry.name), names.contains(name),
                begun[name] == nil, !FileSystem.isInUse(path(ofFile: entry.name))
            else { continue }
            begun[name] = entry.byteCount
        }
        return begun.values.reduce(0, +)
    }

    package func path(of digest: BlobDigest) -> String { path(ofFile: digest.hexadecimal) }

    private func path(ofFile name: String) -> String { directory + "/" + name }
}
