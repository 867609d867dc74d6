// SPDX-License-Identifier: Apache-2.0

import CKernels
import Model

/// The attention of one step in parts that threads may do in any order, the same for every layer.
///
/// How it is cut does not change a bit: a query's segments are fixed by position and added up in
/// order, whether one thread sums all of them or several leave partial sums behind.
struct AttentionPlan {
    /// Consecutive rows of the step that are consecutive positions of one slot.
    struct Tile: Equatable {
        let row: Int
        var rowCount: Int
        let slot: Int
        /// Of the first row.
        let position: Int
        /// Where the slot's pages begin in `pages`.
        let pages: Int

        /// Keys that its last row sees.
        var length: Int { position + rowCount }
    }

    /// One call of the kernel.
    struct Part: Equatable {
        let tile: Int
        let headKV: Int
        /// Counted within those that share `headKV`.
        let heads: Range<Int>
        /// nil for all of them at once.
        let segments: Range<Int>?
        /// Where the partial sums of this tile and these heads begin.
        let partials: Int
    }

    private(set) var tiles: [Tile] = []
    /// The page tables of the tiles' slots.
    private(set) var pages: [UInt32] = []
    private(set) var parts: [Part] = []
    /// What is left to do for those whose parts were segments.
    private(set) var combinations: [Part] = []
    /// Whether each part alone reads a row's new keys and values of its head: then it may store
    /// them itself.
    private(set) var partsStore = false
    private var partialCount = 0

    /// Keys below which a part is not worth a thread's while.
    private static let lengthMin = 512
    /// Parts that each thread is to find, so that none waits long for another.
    private static let partsPerThread = 4

    /// For the `threadCount` threads that are there to share it, at most the configuration's.
    init(
        _ rows: [StageRow], tables: [[UInt32]], configuration: StageConfiguration,
        threadCount: Int
    ) {
        let numbers = configuration.hyperparameters
        let group = numbers.headCount / numbers.headCountKV
        cut(rows, tables, rowCountMax: max(1, CKernelsLimits.queriesMax / group))
        let perCall = min(group, CKernelsLimits.queriesMax)
        let callCount = numbers.headCountKV * ((group + perCall - 1) / perCall)
        let work = tiles.reduce(0) { $0 + $1.length } * callCount
        let shareCount = threadCount * Self.partsPerThread
        let share = max(Self.lengthMin, (work + shareCount - 1) / shareCount)
        let isFine = tiles.count * callCount < 2 * threadCount
        // The last rows of a prompt see the most: begun first, they do not end last.
        for tile in tiles.indices.reversed() {
            let isLong = tiles[tile].length > 2 * share && tiles[tile].rowCount == 1
            let isAlone = threadCount == 1
            let together = isFine && !isLong && !isAlone ? 1 : perCall
            for headKV in 0..<numbers.headCountKV {
                for first in stride(from: 0, to: group, by: together) {
                    let heads = first..<min(group, first + together)
                    if isLong && !isAlone {
                        addSegments(tile, headKV, heads, share: share, headSize: numbers.headSize)
                    } else {
                        parts.append(
                            Part(
                                tile: tile, headKV: headKV, heads: heads, segments: nil,
                                partials: 0))
                    }
                }
            }
        }
        partsStore =
            tiles.count == Set(tiles.map(\.slot)).count
            && tiles.allSatisfy { $0.rowCount == 1 }
            && parts.allSatisfy { $0.heads.count == group && $0.segments == nil }
        precondition(partialCount <= Self.partialCount(configuration))
    }

    /// The most floats of partial sums that a step can need.
    ///
    /// A call that is cut has more than half of a thread's share of the work, so there are fewer
    /// than two for each thread.
    static func partialCount(_ configuration: StageConfiguration) -> Int {
        let numbers = configuration.hyperparameters
        let threadCount = configuration.threadCount
        guard threadCount > 1, configuration.contextLength > 2 * lengthMin else { return 0 }
        let heads = min(numbers.headCount / numbers.headCountKV, CKernelsLimits.queriesMax)
        return 2 * threadCount * Int(ck_segment_count(configuration.contextLength)) * heads
            * Int(ck_partial_length(numbers.headSize))
    }

    private mutating func cut(_ rows: [StageRow], _ tables: [[UInt32]], rowCountMax: Int) {
        for (index, row) in rows.enumerated() {
            if let last = tiles.last, last.slot == row.slot, last.length == row.position,
                last.rowCount < rowCountMax
            {
                tiles[tiles.count - 1].rowCount += 1
                continue
            }
            var start = pages.count
            if let last = tiles.last, last.slot == row.slot {
                start = last.pages
            } else {
                pages += tables[row.slot]
            }
            tiles.append(
                Tile(
                    row: index, rowCount: 1, slot: row.slot, position: row.position, pages: start))
        }
    }

    private mutating func addSegments(
        _ tile: Int, _ headKV: Int, _ heads: Range<Int>, share: Int, headSize: Int
    ) {
        let length = tiles[tile].length
        let count = Int(ck_segment_count(length))
        var start = 0
        while start < count {
            var end = start + 1
            while end < count, Int(ck_segment_start(end) - ck_segment_start(start)) < share {
                end += 1
            }
            parts.append(
                Part(
                    tile: tile, headKV: headKV, heads: heads, segments: start..<end,
                    partials: partialCount))
            start = end
        }
        combinations.append(
            Part(
                tile: tile, headKV: headKV, heads: heads, segments: nil, partials: partialCount))
        partialCount += count * heads.count * Int(ck_partial_length(headSize))
    }
}
