// SPDX-License-Identifier: Apache-2.0

import CKernels
import Model
import Platform

/// The tokens' embeddings as they are in the file, in memory of their own: whoever writes to the
/// file while streams run must not reach into them.
struct EmbeddingRows {
    private let memory: AnonymousMemory
    private let type: ElementType
    private let columnCount: Int
    private let rowByteCount: Int

    var byteCount: Int { memory.byteCount }

    init(_ tensor: Tensor) throws(EngineError) {
        type = tensor.type
        columnCount = tensor.shape[0]
        rowByteCount = columnCount / type.blockElementCount * type.blockByteCount
        memory = try AnonymousMemory(byteCount: tensor.byteCount, hugePages: false)
        do throws(FileError) {
            try tensor.region.read(
                at: 0,
                into: UnsafeMutableRawBufferPointer(start: memory.base, count: tensor.byteCount))
        } catch {
            throw .unreadable(error)
        }
    }

    /// Whether they are of the same type and shape.
    func isLike(_ tensor: Tensor) -> Bool {
        type == tensor.type && columnCount == tensor.shape[0]
            && byteCount == tensor.byteCount
    }

    /// Writes the row of `token`, `columnCount` values, to `out`.
    func read(_ token: Int, into out: UnsafeMutablePointer<Float>) {
        ck_dequantise(type.rawValue, memory.base + token * rowByteCount, columnCount, out)
    }
}
