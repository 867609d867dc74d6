// SPDX-License-Identifier: Apache-2.0

/// Which neighbouring symbols may be joined, and which of them first.
protocol TokenizerMergeRule {
    /// The pair with the smallest number is joined first, the leftmost of equal ones; nil where
    /// the two may not be joined. `left` and `right` are neighbours in `text`.
    func priority(
        _ left: TokenizerSymbol, _ right: TokenizerSymbol, in text: [UInt8]
    ) -> UInt32?
    /// The token for `text[start..<end]`.
    func token(_ text: [UInt8], _ start: Int, _ end: Int) -> UInt32?
}

/// A run of bytes that has been joined so far; a link of a list in text order.
struct TokenizerSymbol {
    var start: Int32
    var end: Int32
    /// `TokenizerVocabulary.none` where the bytes are no token.
    var id: UInt32
    var previous: Int32
    /// -1 at the end of the list.
    var next: Int32
    /// Of the pair this symbol forms with the next one; `noPair` where they may not be joined.
    var pairPriority: UInt32

    static let noPair = UInt32.max
}

/// Joins neighbouring symbols, best pair first, until none may be joined: O(n log n).
///
/// A heap holds `priority << 32 | index` of each pair's left symbol. An entry is stale when that
/// symbol's pair has another priority by now; entries are never removed, only skipped. (A symbol
/// whose new pair has the same priority as its old one is rightly joined by the old entry.)
struct TokenizerMerger {
    private(set) var symbols: [TokenizerSymbol] = []
    private var heap: [UInt64] = []

    mutating func removeAll() {
        symbols.removeAll(keepingCapacity: true)
    }

    /// Appends a symbol that lies right behind the last one.
    mutating func append(start: Int, end: Int, id: UInt32?) {
        let index = Int32(symbols.count)
        if index > 0 { symbols[Int(index) - 1].next = index }
        symbols.append(
            TokenizerSymbol(
                start: Int32(start), end: Int32(end), id: id ?? TokenizerVocabulary.none,
                previous: index - 1, next: -1, pairPriority: TokenizerSymbol.noPair))
    }

    /// Joins what `rule` allows. Symbol 0 stays the first; the others are found through `next`.
    mutating func merge(_ text: [UInt8], _ rule: some TokenizerMergeRule) {
        heap.removeAll(keepingCapacity: true)
        for index in 0..<max(symbols.count - 1, 0) { rate(index, text, rule) }
        while let entry = popLeast() {
            let left = Int(truncatingIfNeeded: entry & 0xFFFF_FFFF)
            guard symbols[left].pairPriority == UInt32(entry >> 32) else { continue }
            let right = Int(symbols[left].next)
            symbols[left].end = symbols[right].end
            symbols[left].id =
                rule.token(text, Int(symbols[left].start), Int(symbols[left].end))
                ?? TokenizerVocabulary.none
            symbols[left].next = symbols[right].next
            symbols[right].pairPriority = TokenizerSymbol.noPair
            if symbols[left].next >= 0 {
                symbols[Int(symbols[left].next)].previous = Int32(left)
            }
            rate(left, text, rule)
            if symbols[left].previous >= 0 { rate(Int(symbols[left].previous), text, rule) }
        }
    }

    private mutating func rate(_ left: Int, _ text: [UInt8], _ rule: some TokenizerMergeRule) {
        let next = Int(symbols[left].next)
        guard next >= 0, let priority = rule.priority(symbols[left], symbols[next], in: text)
        else {
            symbols[left].pairPriority = TokenizerSymbol.noPair
            return
        }
        symbols[left].pairPriority = priority
        push(UInt64(priority) << 32 | UInt64(left))
    }

    private mutating func push(_ entry: UInt64) {
        heap.append(entry)
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[parent] > entry else { break }
            heap[child] = heap[parent]
            child = parent
        }
        heap[child] = entry
    }

    private mutating func popLeast() -> UInt64? {
        guard let last = heap.popLast() else { return nil }
        guard let least = heap.first else { return last }
        var parent = 0
        while true {
            var child = 2 * parent + 1
            guard child < heap.count else { break }
            if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
            guard heap[child] < last else { break }
            heap[parent] = heap[child]
            parent = child
        }
        heap[parent] = last
        return least
    }
}
