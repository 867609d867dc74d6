// SPDX-License-Identifier: Apache-2.0

import CKernels
import Model
import Platform

/// A weight matrix in the kernels' layout: groups of 16 rows, see `ck_matrix`.
struct PackedMatrix {
    let kernel: ck_matrix
    let type: ElementType
    let rowCount: Int
    let columnCount: Int
    /// Keeps the bytes alive.
    private let memory: AnonymousMemory

    /// Describes the matrix that is or will be packed at `offset`.
    init(tensor: Tensor, memory: AnonymousMemory, offset: Int) {
        type = tensor.type
        columnCount = tensor.shape[0]
        rowCount = tensor.elementCount / tensor.shape[0]
        self.memory = memory
        kernel = ck_matrix(
            packed: memory.base + offset, type: tensor.type.rawValue, rows: rowCount,
            columns: columnCount)
    }

    var groupCount: Int { (rowCount + 15) / 16 }

    var groupByteCount: Int { Int(ck_group_bytes(type.rawValue, columnCount)) }

    /// Bytes a tensor takes when packed, rounded up so that the next one starts on a cache line.
    static func byteCount(of tensor: Tensor) -> Int {
        let columns = tensor.shape[0]
        let groups = (tensor.elementCount / columns + 15) / 16
        return (groups * ck_group_bytes(tensor.type.rawValue, columns) + 63) / 64 * 64
    }

    /// Bytes of a tensor that are packed before the file's pages of them go: a head alone may be
    /// a quarter of a model, and must not be in memory twice.
    private static let sliceByteCount = 16 << 20

    /// Packs the tensor's rows with all threads and lets the file's pages go behind them.
    func pack(_ tensor: Tensor, team: ComputeTeam) {
        let groupBytes = tensor.byteCount / rowCount * 16
        let sliceGroups = max(1, Self.sliceByteCount / groupBytes)
        tensor.region.withUnsafeBytes { source in
            for start in stride(from: 0, to: groupCount, by: sliceGroups) {
                let end = min(groupCount, start + sliceGroups)
                team.split(end - start) { groups, _ in
                    ck_pack(
                        type.rawValue, source.baseAddress, rowCount, columnCount,
                        start + groups.lowerBound, start + groups.upperBound,
                        UnsafeMutableRawPointer(mutating: kernel.packed))
                }
                tensor.region.release(
                    start * groupBytes..<min(end * groupBytes, tensor.byteCount))
            }
        }
        tensor.region.release()
    }
}
