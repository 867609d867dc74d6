// SPDX-License-Identifier: Apache-2.0

import CKernels
import Model

/// Consecutive rows of a step that are consecutive positions of one slot.
struct AttentionTile {
    let row: Int
    var rowCount: Int
    let slot: Int
    /// Of the first row.
    let position: Int
}

extension StageEngine {
    /// Query heads that share one KV head.
    private var groupSize: Int {
        configuration.hyperparameters.headCount / configuration.hyperparameters.headCountKV
    }

    /// The step's rows in tiles whose (row, head) pairs fit one call of the kernel.
    func attentionTiles(_ rows: [StageRow]) -> [AttentionTile] {
        let rowCountMax = max(1, CKernelsLimits.queriesMax / groupSize)
        var tiles: [AttentionTile] = []
        for (index, row) in rows.enumerated() {
            if let last = tiles.last, last.slot == row.slot, last.rowCount < rowCountMax,
                last.row + last.rowCount == index
            {
                tiles[tiles.count - 1].rowCount += 1
            } else {
                tiles.append(
                    AttentionTile(row: index, rowCount: 1, slot: row.slot, position: row.position))
            }
        }
        return tiles
    }

    /// Attention of all rows; heads that share keys go together unless that leaves threads idle.
    func attend(layer: Int, tiles: [AttentionTile]) {
        let headCountKV = configuration.hyperparameters.headCountKV
        let isCoarse = tiles.count * headCountKV >= 2 * team.threadCount
        let together = isCoarse || team.threadCount == 1 ? groupSize : 1
        let perCall = min(together, CKernelsLimits.queriesMax)
        let calls = (groupSize + perCall - 1) / perCall
        let units = headCountKV * calls
        team.split(tiles.count * units) { range, _ in
            for unit in range {
                let first = unit % calls * perCall
                attend(
                    layer: layer, tile: tiles[unit / units], headKV: unit % units / calls,
                    heads: first..<min(groupSize, first + perCall))
            }
        }
    }

    /// `heads` are counted within those that share `headKV`.
    private func attend(layer: Int, tile: AttentionTile, headKV: Int, heads: Range<Int>) {
        let size = configuration.hyperparameters.headSize
        let stride = configuration.queryLength
        let offset = tile.row * stride + (headKV * groupSize + heads.lowerBound) * size
        var request = ck_attention(
            keys: cache.keys(layer: layer, slot: tile.slot, head: headKV),
            values: cache.values(layer: layer, slot: tile.slot, head: headKV),
            head_size: size, scale: 1 / Float(size).squareRoot(), row_count: tile.rowCount,
            head_count: heads.count, first_length: tile.position + 1,
            queries: scratch.queries + offset, query_stride: stride,
            out: scratch.attended + offset, out_stride: stride)
        ck_attend(isa.code, &request)
    }
}
