// SPDX-License-Identifier: Apache-2.0

import Platform

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
    /// For shipping in chunks: the file's pages behind the copy are given back, so that a model
    /// larger than memory can be sent. The caller keeps the range inside `0..<byteCount`.
    package func copyBytes(offset: Int, count: Int) -> [UInt8] {
        precondition(offset >= 0 && count >= 0 && count <= byteCount - offset)
        let wanted = offset..<offset + count
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        for entry in entries {
            let place = entry.offset..<entry.offset + entry.tensor.byteCount
            let overlap = place.clamped(to: wanted)
            guard !overlap.isEmpty else { continue }
            let gap = overlap.lowerBound - offset - bytes.count
            bytes.append(contentsOf: repeatElement(0, count: gap))
            let start = entry.tensor.region.range.lowerBound - entry.offset
            let source = start + overlap.lowerBound..<start + overlap.upperBound
            let file = entry.tensor.region.file
            file.withUnsafeBytes(source) { bytes.append(contentsOf: $0) }
            file.release(source)
        }
        bytes.append(contentsOf: repeatElement(0, count: count - bytes.count))
        return bytes
    }

    /// Drops this process's pages of all its tensors.
    package func release() {
        for entry in entries { entry.tensor.region.release() }
    }
}
