// SPDX-License-Identifier: Apache-2.0

/// A token with its logit after the penalties. "Smaller" is likelier; ties go to the smaller id.
struct RankedToken: Comparable {
    var id: UInt32
    var logit: Double

    static func < (a: RankedToken, b: RankedToken) -> Bool {
        a.logit > b.logit || (a.logit == b.logit && a.id < b.id)
    }
}

/// Tokens taken out one after another, likeliest first, without sorting those never reached.
///
/// A binary heap: building it is linear in the vocabulary, each token costs its depth.
struct RankedTokens {
    private var heap: [RankedToken]

    init(_ tokens: [RankedToken]) {
        heap = tokens
        for index in stride(from: heap.count / 2 - 1, through: 0, by: -1) { sink(index) }
    }

    var first: RankedToken? { heap.first }

    mutating func popFirst() -> RankedToken? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        if !heap.isEmpty {
            heap[0] = last
            sink(0)
        }
        return first
    }

    private mutating func sink(_ start: Int) {
        let token = heap[start]
        var index = start
        while true {
            var child = 2 * index + 1
            guard child < heap.count else { break }
            if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
            guard heap[child] < token else { break }
            heap[index] = heap[child]
            index = child
        }
        heap[index] = token
    }
}
