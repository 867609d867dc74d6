// SPDX-License-Identifier: Apache-2.0

import CKernels
import Model

extension StageEngine {
    /// Attention of all rows: every head's keys and values are read once for the queries that
    /// share them.
    func attend(layer: Int, plan: AttentionPlan) {
        plan.pages.withUnsafeBufferPointer { pages in
            guard let pages = pages.baseAddress else { return }
            forEachPart(plan.parts.count) { index in
                let part = plan.parts[index]
                var request = request(layer: layer, part, plan, pages)
                if let segments = part.segments {
                    ck_attend_segments(
                        isa.code, &request, segments.lowerBound, segments.upperBound)
                    return
                }
                // Unless it has to help another, a thread goes on with the part that follows.
                guard index + 1 < plan.parts.count, plan.parts[index + 1].segments == nil
                else { return ck_attend(isa.code, &request) }
                let following = plan.parts[index + 1]
                withUnsafePointer(to: self.request(layer: layer, following, plan, pages)) {
                    request.next = $0
                    ck_attend(isa.code, &request)
                }
            }
            forEachPart(plan.combinations.count) { index in
                var request = request(layer: layer, plan.combinations[index], plan, pages)
                ck_combine_segments(isa.code, &request)
            }
        }
    }

    /// Parts are of unequal length, so that many chunks of them balance the load.
    private func forEachPart(_ count: Int, _ body: (Int) -> Void) {
        let chunkMax = 64 * team.threadCount
        let size = max(1, (count + chunkMax - 1) / chunkMax)
        team.run((count + size - 1) / size) { chunk, _ in
            for index in chunk * size..<min(count, (chunk + 1) * size) { body(index) }
        }
    }

    private func request(
        layer: Int, _ part: AttentionPlan.Part, _ plan: AttentionPlan,
        _ pages: UnsafePointer<UInt32>
    ) -> ck_attention {
        let numbers = configuration.hyperparameters
        let size = numbers.headSize
        let stride = configuration.queryLength
        let tile = plan.tiles[part.tile]
        let groupSize = numbers.headCount / numbers.headCountKV
        let head = part.headKV * groupSize + part.heads.lowerBound
        let offset = tile.row * stride + head * size
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
