// SPDX-License-Identifier: Apache-2.0

import CKernels

/// Zeroed private memory outside Swift's heap, taken page by page when it is first touched.
final class AnonymousMemory {
    let base: UnsafeMutableRawPointer
    let byteCount: Int

    /// Huge pages suit what is read as a whole; small ones what is touched in places.
    init(byteCount: Int, hugePages: Bool) throws(EngineError) {
        let count = max(byteCount, 1)
        guard let base = ck_map(count, hugePages) else {
            throw .outOfMemory(byteCount: byteCount)
        }
        self.base = base
        self.byteCount = count
    }

    deinit { ck_unmap(base, byteCount) }

    /// The grain of layouts: the smallest page of any system that Caravan runs on. The same
    /// everywhere, as the coordinator works out what stages take on other machines; where a
    /// system's pages are of 16 or 64 KiB, parts may begin and end inside one.
    static let pageByteCount = 4_096

    /// Gives back the system's pages that lie wholly inside a part, which read as zero again. What
    /// shares a page with others stays as it is.
    func discard(at offset: Int, byteCount count: Int) { ck_discard(base + offset, count) }

    /// The memory from `offset` on as elements of a trivial type.
    func pointer<T: BitwiseCopyable>(at offset: Int, as type: T.Type) -> UnsafeMutablePointer<T> {
        (base + offset).assumingMemoryBound(to: type)
    }
}

/// A part of some memory that somebody holds. Once nobody does, the system has it back, though
/// other parts may still be held.
final class MemoryPart {
    let base: UnsafeMutableRawPointer
    let byteCount: Int
    private let whole: AnonymousMemory
    private let offset: Int

    init(_ whole: AnonymousMemory, at offset: Int, byteCount: Int) {
        precondition(offset + byteCount <= whole.byteCount)
        self.whole = whole
        self.offset = offset
        self.byteCount = byteCount
        base = whole.base + offset
    }

    deinit { whole.discard(at: offset, byteCount: byteCount) }
}

/// Bounds that come from the kernels' fixed arrays.
enum CKernelsLimits {
    static let headSizeMax = CK_HEAD_SIZE_MAX
    static let queriesMax = CK_QUERIES_MAX
    static let keyBlock = CK_KEY_BLOCK
}
