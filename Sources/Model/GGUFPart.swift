// SPDX-License-Identifier: Apache-2.0

import Platform

/// One GGUF file's header: metadata and tensor table, checked.
///
/// Source: the GGUF specification (ggml, docs/gguf.md), versions 2 and 3.
struct GGUFPart: Sendable {
    var metadata: Metadata
    /// In file order.
    var tensors: [Tensor]
    /// Where the tensor data begin, from the start of the file.
    var dataOffset: Int

    init(file: MappedFile) throws(GGUFFault) {
        var reader = GGUFReader(file: file)
        let counts = try reader.header()
        metadata = try reader.metadata(entryCount: counts.metadata)
        let alignment = try Self.alignment(metadata)
        let entries = try reader.tensorEntries(count: counts.tensors)
        dataOffset = (reader.offset + alignment - 1) / alignment * alignment
        tensors = []
        tensors.reserveCapacity(entries.count)
        for entry in entries {
            tensors.append(
                try entry.tensor(file: file, dataOffset: dataOffset, alignment: alignment))
        }
        try Self.checkOverlaps(tensors)
        file.release(0..<reader.offset)
    }

    private static func alignment(_ metadata: Metadata) throws(GGUFFault) -> Int {
        let key = "general.alignment"
        guard let value = metadata[key] else { return GGUFLimits.alignmentDefault }
        guard let alignment = metadata.integer(key), alignment > 0,
            alignment <= GGUFLimits.alignmentMax, alignment & (alignment - 1) == 0
        else {
            let shown = metadata.integer(key).map(String.init) ?? value.kind
            throw .alignment(shown)
        }
        return alignment
    }

    private static func checkOverlaps(_ tensors: [Tensor]) throws(GGUFFault) {
        let sorted = tensors.sorted { $0.region.range.lowerBound < $1.region.range.lowerBound }
        for (tensor, next) in zip(sorted, sorted.dropFirst())
        where tensor.region.range.upperBound > next.region.range.lowerBound {
            throw .overlap(tensor: tensor.name, other: next.name)
        }
    }
}
