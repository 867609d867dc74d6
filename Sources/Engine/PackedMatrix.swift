// SPDX-License-Identifier: Apache-2.0

import CKernels
import Model
import Platform
import Synchronization

/// A weight matrix in the kernels' layout: groups of 16 rows, see `ck_matrix`.
struct PackedMatrix {
    let kernel: ck_matrix
    let type: ElementType
    let rowCount: Int
    let columnCount: Int
    /// Keeps the bytes alive.
    private let memory: MemoryPart

    /// Describes the matrix that will be packed in `memory`.
    init(tensor: Tensor, memory: MemoryPart) {
        type = tensor.type
        columnCount = tensor.shape[0]
        rowCount = tensor.elementCount / tensor.shape[0]
        self.memory = memory
        kernel = ck_matrix(
            packed: memory.base, type: tensor.type.rawValue, rows: rowCount, columns: columnCount)
    }

    var byteCount: Int { memory.byteCount }

    /// Whether it is of the same type and shape.
    func isLike(_ tensor: Tensor) -> Bool {
        type == tensor.type && columnCount == tensor.shape[0]
            && rowCount == tensor.elementCount / tensor.shape[0]
    }

    var groupCount: Int { (rowCount + 15) / 16 }

    var groupByteCount: Int { Int(ck_group_bytes(type.rawValue, columnCount)) }

    /// Bytes a tensor takes when packed, rounded up so that the next one starts on a cache line.
    static func byteCount(of tensor: Tensor) -> Int {
        let columns = tensor.shape[0]
        let groups = (tensor.elementCount / columns + 15) / 16
        return (groups * ck_group_bytes(tensor.type.rawValue, columns) + 63) / 64 * 64
    }

    /// What a thread reads before it packs it: little enough to be in a near cache then.
    private static let pieceByteCount = 256 << 10
    /// What all threads read before they go on, as disks had rather not read here and there.
    private static let sliceByteCount = 16 << 20

    private static func pieceGroups(_ groupByteCount: Int) -> Int {
        max(1, pieceByteCount / groupByteCount)
    }

    /// The room that each thread needs to pack a tensor.
    static func bufferByteCount(for tensor: Tensor) -> Int {
        let groupBytes = Int(ck_group_bytes(tensor.type.rawValue, tensor.shape[0]))
        return pieceGroups(groupBytes) * groupBytes
    }

    /// Reads and packs the tensor's rows with all threads, of which each has `bufferByteCount`
    /// bytes of `buffers`.
    ///
    /// The file is read, not its mapping: one that was cut short, or a bad sector, is an error here
    /// and not the process's end, and none of its pages is in memory beside what was packed.
    func pack(
        _ tensor: Tensor, team: ComputeTeam, buffers: AnonymousMemory, bufferByteCount: Int
    ) throws(EngineError) {
        let pieceGroups = Self.pieceGroups(groupByteCount)
        let pieceCount = (groupCount + pieceGroups - 1) / pieceGroups
        let slicePieces = max(1, Self.sliceByteCount / (pieceGroups * groupByteCount))
        let failure = Mutex<FileError?>(nil)
        for start in stride(from: 0, to: pieceCount, by: slicePieces) {
            team.run(min(slicePieces, pieceCount - start)) { piece, thread in
                let first = (start + piece) * pieceGroups
                do throws(FileError) {
                    try pack(
                        first..<min(first + pieceGroups, groupCount), of: tensor,
                        through: buffers.base + thread * bufferByteCount)
                } catch {
                    failure.withLock { $0 = error }
                }
            }
            if let error = failure.withLock({ $0 }) { throw .unreadable(error) }
        }
    }

    private func pack(
        _ groups: Range<Int>, of tensor: Tensor, through buffer: UnsafeMutableRawPointer
    ) throws(FileError) {
        let start = groups.lowerBound * groupByteCount
        let end = min(groups.upperBound * groupByteCount, tensor.byteCount)
        try tensor.region.read(
            at: start, into: UnsafeMutableRawBufferPointer(start: buffer, count: end - start))
        // As the first groups of a matrix that begins here.
        ck_pack(
            type.rawValue, buffer, rowCount - groups.lowerBound * Int(CK_GROUP_ROWS), columnCount,
            0, groups.count, UnsafeMutableRawPointer(mutating: kernel.packed) + start)
    }
}
