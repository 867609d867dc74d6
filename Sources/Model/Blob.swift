// SPDX-License-Identifier: Apache-2.0

package import Platform

/// Tensors that travel and are stored together: a layer's, the embedding or the head.
///
/// In file order, each at a 64-byte aligned offset, zeros between. Two files that hold the same
/// tensors in the same order give the same bytes, whatever lies around them.
package struct Blob: Sendable {
    package struct Entry: Sendable {
        package let tensor: Tensor
        /// From the start of the blob.
        package let offset: Int
    }

    package static let alignment = 64

    /// For people: `embedding`, `layer 7`, `output`, `rope`.
    package let name: String
    package let entries: [Entry]
    /// Up to the end of the last tensor.
    package let byteCount: Int

    package init(name: String, tensors: [Tensor]) {
        var entries: [Entry] = []
        var end = 0
        for tensor in tensors {
            let offset = (end + Self.alignment - 1) / Self.alignment * Self.alignment
            entries.append(Entry(tensor: tensor, offset: offset))
            end = offset + tensor.region.byteCount
        }
        self.name = name
        self.entries = entries
        byteCount = end
    }

    /// The bytes `offset..<offset + count` of the blob, zeros between tensors.
    ///
    /// Read from the file, not from its mapping: no page of it becomes resident, so a model larger
    /// than memory can be sent. Throws `.changed` where the file was written to since it was
    /// opened. The caller keeps the range inside `0..<byteCount`.
    package func read(offset: Int, count: Int) throws(FileError) -> [UInt8] {
        precondition(offset >= 0 && count >= 0 && count <= byteCount - offset)
        let wanted = offset..<offset + count
        var failure: FileError?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            buffer.initialize(repeating: 0)
            filled = count
            let raw = UnsafeMutableRawBufferPointer(buffer)
            do throws(FileError) {
                for entry in entries { try entry.read(wanted, into: raw) }
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// SHA-256 of all its bytes, read as `read(offset:count:)` does.
    package func digest() throws(FileError) -> [UInt8] {
        var hash = SHA256()
        var end = 0
        for entry in entries {
            hash.update([UInt8](repeating: 0, count: entry.offset - end))
            let region = entry.tensor.region
            try region.file.hash(region.range, into: &hash)
            end = entry.offset + region.byteCount
        }
        for file in files where file.hasChanged { throw .changed(path: file.path) }
        return hash.finish()
    }

    /// The files that hold its tensors, each once.
    package var files: [MappedFile] {
        entries.map(\.tensor.region.file).reduce(into: []) { files, file in
            if !files.contains(where: { $0 === file }) { files.append(file) }
        }
    }
}

extension Blob.Entry {
    /// Puts what overlaps `wanted` of the blob into `buffer`, which begins where `wanted` does.
    fileprivate func read(
        _ wanted: Range<Int>, into buffer: UnsafeMutableRawBufferPointer
    ) throws(FileError) {
        let region = tensor.region
        let overlap = (offset..<offset + region.byteCount).clamped(to: wanted)
        guard !overlap.isEmpty else { return }
        guard !region.file.hasChanged else { throw .changed(path: region.file.path) }
        let first = overlap.lowerBound - wanted.lowerBound
        let part = UnsafeMutableRawBufferPointer(rebasing: buffer[first..<first + overlap.count])
        try region.read(at: overlap.lowerBound - offset, into: part)
    }
}
