// SPDX-License-Identifier: Apache-2.0

package import Platform

/// Writes a GGUF file tensor by tensor; it gets its name only when it is complete.
///
/// The tensor table comes first in the file, so all tensors are named at the start and their bytes
/// follow in the same order. Only what is being appended is in memory.
package struct GGUFWriter: ~Copyable {
    /// A tensor that will be written.
    package struct Plan: Sendable {
        package let name: String
        package let type: ElementType
        /// Innermost dimension first.
        package let shape: [Int]
        package let byteCount: Int

        /// nil for a shape that `type` cannot store.
        package init?(name: String, type: ElementType, shape: [Int]) {
            guard let byteCount = type.byteCount(of: shape) else { return nil }
            self.name = name
            self.type = type
            self.shape = shape
            self.byteCount = byteCount
        }

        var paddedByteCount: Int { GGUFWriter.padded(byteCount) }
    }

    /// Bytes of the whole file.
    package let byteCount: Int
    private var file: StagedFile
    private let tensors: [Plan]
    /// The tensor being written, and how many of its bytes are.
    private var index = 0
    private var writtenByteCount = 0

    private static let alignment = GGUFLimits.alignmentDefault

    /// Opens a temporary file beside `path`, makes sure of room for everything and writes the
    /// header. `removal` can take the file away while it has no name.
    package init(
        path: String, metadata: [(String, GGUFValue)], tensors: [Plan],
        removal: StagedFileRemoval? = nil
    ) throws(FileError) {
        var header = GGUFHeader()
        header.metadata = metadata.map { GGUFHeader.Entry($0.0, $0.1) }
        var offset = 0
        for tensor in tensors {
            header.tensors.append(
                GGUFHeader.TensorLine(
                    name: tensor.name, type: tensor.type.rawValue,
                    shape: tensor.shape.map(UInt64.init), offset: UInt64(offset)))
            offset += tensor.paddedByteCount
        }
        var bytes = header.encoded()
        bytes.pad(to: Self.alignment)
        // A name of its own: another may write to the same path.
        let mark = String(Randomness.word(), radix: 36)
        var file = try StagedFile(
            finalPath: path, suffix: ".\(mark).partial", permissions: 0o644, removal: removal)
        try file.reserve(byteCount: bytes.count + offset)
        try file.append(bytes)
        self.file = file
        self.tensors = tensors
        byteCount = bytes.count + offset
    }

    /// Appends to the tensor that is not complete yet, or to the one after it.
    package mutating func append(_ bytes: [UInt8]) throws(FileError) {
        precondition(index < tensors.count, "bytes after the last tensor")
        let tensor = tensors[index]
        writtenByteCount += bytes.count
        precondition(writtenByteCount <= tensor.byteCount, "too many bytes of \(tensor.name)")
        try file.append(bytes)
        guard writtenByteCount == tensor.byteCount else { return }
        let padding = tensor.paddedByteCount - tensor.byteCount
        if padding > 0 { try file.append([UInt8](repeating: 0, count: padding)) }
        index += 1
        writtenByteCount = 0
    }

    /// Brings the file to disk under its name. Every tensor must be complete.
    package mutating func commit() throws(FileError) {
        precondition(index == tensors.count, "a tensor is not complete")
        try file.commit()
    }

    private static func padded(_ count: Int) -> Int {
        (count + alignment - 1) / alignment * alignment
    }
}
