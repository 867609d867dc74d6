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

    /// Copied before the file's pages of it go, so that it is hardly ever in memory twice.
    private static let sliceByteCount = 16 << 20

    init(_ tensor: Tensor) throws(EngineError) {
        type = tensor.type
        columnCount = tensor.shape[0]
        rowByteCount = columnCount / type.blockElementCount * type.blockByteCount
        memory = try AnonymousMemory(byteCount: tensor.byteCount, hugePages: false)
        for start in stride(from: 0, to: tensor.byteCount, by: Self.sliceByteCount) {
            let slice = start..<min(start + Self.sliceByteCount, tensor.byteCount)
            tensor.region.withUnsafeBytes { bytes in
                UnsafeMutableRawBufferPointer(start: memory.base + start, count: slice.count)
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[slice]))
            }
            tensor.region.release(slice)
        }
        tensor.region.release()
    }

    /// Writes the row of `token`, `columnCount` values, to `out`.
    func read(_ token: Int, into out: UnsafeMutablePointer<Float>) {
        ck_dequantise(type.rawValue, memory.base + token * rowByteCount, columnCount, out)
    }
}
