// SPDX-License-Identifier: Apache-2.0

import CKernels
import Testing

@Suite struct PredictionKernelTests {
    private func top(_ logits: [Float], _ count: Int) -> ([UInt32], [Float]) {
        var ids = [UInt32](repeating: 0, count: count)
        var values = [Float](repeating: 0, count: count)
        withParts(of: logits, isa: ISAs.all[0]) { ck_top(&$0, count, &ids, &values) }
        return (ids, values)
    }

    private func logSumExp(_ logits: [Float], isa: ck_isa) -> Float {
        withParts(of: logits, isa: isa) { ck_log_sum_exp(isa, &$0) }
    }

    private func withParts<T>(
        of logits: [Float], isa: ck_isa, _ body: (inout ck_logits) -> T
    ) -> T {
        let count = (logits.count + CK_LOGIT_PART - 1) / CK_LOGIT_PART
        var largest = [Float](repeating: .nan, count: count)
        var sums = [Float](repeating: .nan, count: count)
        return logits.withUnsafeBufferPointer { logits in
            largest.withUnsafeMutableBufferPointer { largest in
                sums.withUnsafeMutableBufferPointer { sums in
                    var row = ck_logits(
                        values: logits.baseAddress, count: logits.count,
                        largest: largest.baseAddress, sums: sums.baseAddress)
                    ck_logit_parts(isa, &row, 0, count)
                    return body(&row)
                }
            }
        }
    }

    @Test func topsDescendAndTiesAscendById() {
        var random = RandomSource(seed: 2)
        for (size, count) in [(1_000, 1), (1_000, 2), (1_000, 777), (1_000, 1_000), (9_000, 30)] {
            // Few distinct values, so that there are many ties.
            let logits = (0..<size).map { _ in Float(Int.random(in: -20...20, using: &random)) }
            let order = logits.indices.sorted { (-logits[$0], $0) < (-logits[$1], $1) }
            let (ids, values) = top(logits, count)
            #expect(ids == order.prefix(count).map { UInt32($0) })
            #expect(values == order.prefix(count).map { logits[$0] })
        }
    }

    @Test func notANumberIsMinusInfinity() {
        let logits: [Float] = [.nan, 1, .nan, -.infinity, 3, .infinity, .nan, 3]
        let (ids, _) = top(logits, 8)
        #expect(ids == [5, 4, 7, 1, 0, 2, 3, 6])
        #expect(top([.nan, .nan], 1).0 == [0])
    }

    @Test(arguments: [1, 40, 990]) func notANumberIsKeptOnlyForWantOfOthers(count: Int) {
        var random = RandomSource(seed: 3)
        let logits = (0..<1_003).map { index in
            index % 7 == 3 ? Float.nan : Float(Int.random(in: -200...200, using: &random))
        }
        func rank(_ id: Int) -> (Int, Float, Int) {
            logits[id].isNaN ? (1, 0, id) : (0, -logits[id], id)
        }
        let order = logits.indices.sorted { rank($0) < rank($1) }
        #expect(top(logits, count).0 == order.prefix(count).map { UInt32($0) })
    }

    @Test(arguments: [1, 15, 16, 17, 5_000]) func logSumExpMatchesDoubles(count: Int) {
        var random = RandomSource(seed: 6)
        let logits = random.floats(count, -30...30)
        let largest = logits.max() ?? 0
        let sum = logits.reduce(0.0) { $0 + exponential(Double($1) - Double(largest)) }
        let found = ISAs.all.map { logSumExp(logits, isa: $0) }
        for value in found {
            #expect(value.bitPattern == found[0].bitPattern)
            #expect(abs(exponential(Double(value) - Double(largest)) / sum - 1) < 1e-5)
        }
    }

    /// However small the others are beside the largest, their mass is that which a sampler counts
    /// on (`Tail`).
    @Test(arguments: [-2, -17, -19] as [Float]) func logSumExpKeepsSmallTerms(mean: Float) {
        var random = RandomSource(seed: 7)
        var logits = random.floats(128_256, mean - 1...mean + 1)
        logits[77] = 0
        let sum = logits.reduce(0.0) { $0 + exponential(Double($1)) }
        for isa in ISAs.all {
            let found = logSumExp(logits, isa: isa)
            let tolerance = 0x1p-16 + 2 * Double(found.ulp)
            #expect(abs(exponential(Double(found)) / sum - 1) < tolerance / 2)
        }
    }

    @Test(arguments: ISAs.all) func logSumExpOfNonsenseIsDefined(isa: ck_isa) {
        #expect(logSumExp([.nan, .nan], isa: isa) == -.infinity)
        #expect(logSumExp([-.infinity], isa: isa) == -.infinity)
        #expect(logSumExp([2, .infinity], isa: isa) == .infinity)
        #expect(abs(logSumExp([.nan, 2, -.infinity], isa: isa) - 2) < 1e-6)
    }
}
