// SPDX-License-Identifier: Apache-2.0

import CKernels
import Model

extension StageEngine {
    /// Attention of all rows, quantised: every head's keys and values are read once for the
    /// queries that share them.
    ///
    /// Unless they are stored already, the step's own keys and values enter the cache before, or
    /// part by part.
    func attend(
        layer: Int, rows: [StageRow], plan: AttentionPlan, areStored: Bool
    ) -> Activations {
        let result = Activations(
            scratch.attended, rowCount: rows.count, columnCount: configuration.queryLength,
            buffer: scratch.innerCodes)
        func prepare(_ index: Int, headsKV: Range<Int>) {
            rotateQueries(index: index, headsKV: headsKV)
            if !areStored { store(layer: layer, rows[index], index: index, headsKV: headsKV) }
        }
        if !plan.partsStore {
            let allHeads = 0..<configuration.hyperparameters.headCountKV
            forEachRow(rows.count) { prepare($0, headsKV: allHeads) }
        }
        plan.pages.withUnsafeBufferPointer { pages in
            guard let pages = pages.baseAddress else { return }
            // One sequence may be a hundred times as long as the others.
            team.run(plan.parts.count, even: false) { index, _ in
                let part = plan.parts[index]
                if plan.partsStore {
                    prepare(
                        plan.tiles[part.tile].row, headsKV: part.headKV..<part.headKV + 1)
                }
                run(part, followed: index + 1, layer: layer, plan: plan, pages: pages)
                if part.segments == nil { quantise(part, of: plan, into: result) }
            }
            team.run(plan.combinations.count) { index, _ in
                let part = plan.combinations[index]
                var request = request(layer: layer, part, plan, pages)
                ck_combine_segments(isa.code, &request)
                quantise(part, of: plan, into: result)
            }
        }
        if !areHeadsWholeBlocks {
            forEachRow(rows.count) { result.quantise(row: $0, isa: isa.code) }
        }
        return result
    }

    private func rotateQueries(index: Int, headsKV: Range<Int>) {
        let numbers = configuration.hyperparameters
        let size = numbers.headSize
        let dimensions = numbers.ropeDimensionCount
        let groupSize = numbers.headCount / numbers.headCountKV
        ck_rope(
            isa.code,
            scratch.queries + index * configuration.queryLength
                + headsKV.lowerBound * groupSize * size,
            headsKV.count * groupSize, size, dimensions,
            scratch.rotations + index * 2 * dimensions)
    }

    /// Rotates a row's keys, and stores them and its values.
    func store(layer: Int, _ row: StageRow, index: Int, headsKV: Range<Int>) {
        let numbers = configuration.hyperparameters
        let size = numbers.headSize
        let dimensions = numbers.ropeDimensionCount
        let offset = index * configuration.keyLength + headsKV.lowerBound * size
        let keys = scratch.keys + offset
        let values = scratch.values + offset
        ck_rope(
            isa.code, keys, headsKV.count, size, dimensions,
            scratch.rotations + index * 2 * dimensions)
        let block = cache.blockOffset(slot: row.slot, position: row.position)
        for (place, head) in headsKV.enumerated() {
            ck_store_kv(
                isa.code, configuration.kvType.code, keys + place * size, values + place * size,
                size, row.position % CKernelsLimits.keyBlock,
                cache.start(layer: layer, head: head) + block)
        }
    }

    /// One part; the first keys of the one that follows are fetched meanwhile, since a thread goes
    /// on with that unless it has to help another.
    private func run(
        _ part: AttentionPlan.Part, followed next: Int, layer: Int, plan: AttentionPlan,
        pages: UnsafePointer<UInt32>
    ) {
        var request = request(layer: layer, part, plan, pages)
        if let segments = part.segments {
            ck_attend_segments(isa.code, &request, segments.lowerBound, segments.upperBound)
            return
        }
        guard next < plan.parts.count, plan.parts[next].segments == nil
        else { return ck_attend(isa.code, &request) }
        withUnsafePointer(to: self.request(layer: layer, plan.parts[next], plan, pages)) {
            request.next = $0
            ck_attend(isa.code, &request)
        }
    }

    private var areHeadsWholeBlocks: Bool {
        configuration.hyperparameters.headSize.isMultiple(of: Int(CK_BLOCK_COLUMNS))
    }

    /// What a part has left in the result's rows, while it is still in the thread's cache.
    private func quantise(
        _ part: AttentionPlan.Part, of plan: AttentionPlan, into result: Activations
    ) {
        guard areHeadsWholeBlocks else { return }
        let size = configuration.hyperparameters.headSize
        let start = firstHead(of: part) * size
        let tile = plan.tiles[part.tile]
        for row in tile.row..<tile.row + tile.rowCount {
            result.quantise(
                row: row, columns: start..<start + part.heads.count * size, isa: isa.code)
        }
    }

    private func firstHead(of part: AttentionPlan.Part) -> Int {
        let numbers = configuration.hyperparameters
        return part.headKV * (numbers.headCount / numbers.headCountKV) + part.heads.lowerBound
    }

    private func request(
        layer: Int, _ part: AttentionPlan.Part, _ plan: AttentionPlan,
        _ pages: UnsafePointer<UInt32>
    ) -> ck_attention {
        let numbers = configuration.hyperparameters
        let size = numbers.headSize
        let stride = configuration.queryLength
        let tile = plan.tiles[part.tile]
        let offset = tile.row * stride + firstHead(of: part) * size
        return ck_attention(
            pool: cache.start(layer: layer, head: part.headKV), pages: pages + tile.pages,
            page_bytes: cache.layout.pageBytes, page_blocks: cache.layout.blockCount,
            kv_type: configuration.kvType.code,
            scale: 1 / Float(size).squareRoot(), head_size: size, row_count: tile.rowCount,
            head_count: part.heads.count, first_length: tile.position + 1,
            queries: scratch.queries + offset, out: scratch.attended + offset,
            query_stride: stride, out_stride: stride, partials: scratch.partials + part.partials,
            next: nil)
    }
}
