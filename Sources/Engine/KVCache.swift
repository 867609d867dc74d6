// SPDX-License-Identifier: Apache-2.0

import CKernels

/// Keys and values of every slot, in pages of a fixed number of positions.
///
/// One reservation holds all pages; memory is touched as positions come. What the last slot that
/// held a page left is given back little by little (`giveBack`), but for a few pages that the next
/// sequence finds warm.
final class KVCache {
    private(set) var pages: KVPages
    let layout: KVLayout
    private let pool: AnonymousMemory
    /// Free pages that keep their memory.
    private let warmPageCount: Int

    private static let warmByteCountMax = 16 << 20
    /// Given back at once, or a page: about 3 ms. A gigabyte takes 80, in which every stream would
    /// wait for the pages of one that ended.
    private static let byteCountBackMax = 32 << 20

    init(configuration: StageConfiguration) throws(EngineError) {
        layout = KVLayout(configuration)
        guard let byteCount = configuration.kvByteCount else {
            throw .outOfMemory(byteCount: Int.max)
        }
        pool = try AnonymousMemory(byteCount: byteCount, hugePages: false)
        pages = KVPages(
            slotCount: configuration.slotCount, pageCount: configuration.pageCount,
            pagePositionCount: configuration.pagePositionCount)
        warmPageCount = Self.warmByteCountMax / layout.pageBytes
    }

    var lengths: [Int] { pages.lengths }

    /// Bytes of the pages that slots hold.
    var usedByteCount: Int { pages.usedCount * layout.pageBytes }

    /// The first block of a layer and head in page 0; those of the other pages follow every
    /// `layout.pageBytes`.
    func start(layer: Int, head: Int) -> UnsafeMutableRawPointer {
        pool.base + layer * layout.layerBytes + head * layout.headBytes
    }

    /// Bytes from `start` to the block that has a position, whatever the layer and head.
    func blockOffset(slot: Int, position: Int) -> Int {
        let page = pages.tables[slot][position / pages.pagePositionCount]
        let block = position % pages.pagePositionCount / CKernelsLimits.keyBlock
        return Int(page) * layout.pageBytes + block * layout.blockBytes
    }

    /// Makes room for the slots' new lengths; the pages needed must be free.
    func extend(_ newLengths: [Int: Int]) {
        // In order, so that equal steps use equal pages.
        for slot in newLengths.keys.sorted() {
            pages.extend(slot: slot, to: newLengths[slot] ?? 0)
        }
    }

    func release(slot: Int) { pages.release(slot: slot) }

    func truncate(slot: Int, to length: Int) throws(EngineError) {
        if let copy = try pages.truncate(slot: slot, to: length) { carryOut(copy) }
    }

    func fork(slot: Int, source: Int, length: Int) throws(EngineError) {
        if let copy = try pages.fork(slot: slot, source: source, length: length) { carryOut(copy) }
    }

    /// Whole blocks, and only those that hold positions: what follows is not touched.
    private func carryOut(_ copy: KVPages.Copy) {
        let block = CKernelsLimits.keyBlock
        let count = (copy.positionCount + block - 1) / block * layout.blockBytes
        let source = pool.base + copy.source * layout.pageBytes
        let destination = pool.base + copy.destination * layout.pageBytes
        for layer in stride(from: 0, to: layout.pageBytes, by: layout.layerBytes) {
            let end = layer + layout.layerBytes - layout.headBytes
            for head in stride(from: layer, through: end, by: layout.headBytes) {
                (destination + head).copyMemory(from: source + head, byteCount: count)
            }
        }
    }

    /// Gives back memory of free pages, those first that were freed first; the bytes, or 0 where
    /// there is no more. What is left stays warm: rows that come find it touched.
    func giveBack() -> Int {
        let limit = max(1, Self.byteCountBackMax / layout.pageBytes)
        let free = pages.takeBack(keeping: warmPageCount, atMost: limit)
        for page in free {
            pool.discard(at: Int(page) * layout.pageBytes, byteCount: layout.pageBytes)
        }
        return free.count * layout.pageBytes
    }
}
