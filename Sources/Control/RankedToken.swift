// SPDX-License-Identifier: Apache-2.0

/// A token with its logit after the penalties. "Smaller" is likelier; ties go to the smaller id.
struct RankedToken: Comparable {
    var id: UInt32
    var logit: Double

    static func < (a: RankedToken, b: RankedToken) -> Bool {
        a.logit > b.logit || (a.logit == b.logit && a.id < b.id)
    }
}

extension RankedToken {
    /// The `count` likeliest of `logits`, which are by id; likeliest first.
    static func likeliest(_ count: Int, of logits: [Float]) -> [RankedToken] {
        guard count > 0 else { return [] }
        var likeliest: [RankedToken] = []
        for id in logits.indices {
            let token = RankedToken(id: UInt32(id), logit: logits[id].orderedLogit)
            if likeliest.count == count, let last = likeliest.last {
                guard token < last else { continue }
                likeliest.removeLast()
            }
            likeliest.insert(token, at: likeliest.firstIndex { token < $0 } ?? likeliest.count)
        }
        return likeliest
    }
}
