// SPDX-License-Identifier: Apache-2.0

/// Special tokens in the order of their texts, so that the longest one that begins at some place
/// of a text is found byte by byte: those that still agree are neighbours, and the first byte with
/// which none goes on ends the search.
struct SpecialTokenTable: Sendable {
    struct Token: Sendable {
        let id: UInt32
        /// Bytes of its text.
        let count: Int
        /// The rank of the longest other token that this one begins with.
        fileprivate(set) var shorter: Int?
    }

    /// By rank: longest first, then by id.
    private(set) var tokens: [Token] = []
    /// Ranks in the order of the texts.
    private let ranks: [Int32]
    /// The text of `ranks[i]` is `bytes[offsets[i]..<offsets[i + 1]]`.
    private let bytes: [UInt8]
    private let offsets: [Int32]
    /// Texts that begin with byte `b` are those from `firsts[b]` up to `firsts[b + 1]`.
    private let firsts: [Int]

    /// `ids` are in ascending order, their texts not empty. Of several with the same text the first
    /// counts.
    init(_ ids: [UInt32], _ vocabulary: TokenizerVocabulary) {
        let sorted = ids.map { (id: $0, text: vocabulary.bytes(of: $0)) }.sorted {
            $0.text.lexicographicallyPrecedes($1.text)
        }
        var bytes: [UInt8] = []
        var offsets: [Int32] = [0]
        var kept: [UInt32] = []
        var previous: ArraySlice<UInt8> = []
        for (id, text) in sorted where text != previous {
            bytes += text
            offsets.append(Int32(bytes.count))
            kept.append(id)
            previous = text
        }
        func text(_ index: Int) -> ArraySlice<UInt8> {
            bytes[Int(offsets[index])..<Int(offsets[index + 1])]
        }
        let order = kept.indices.sorted {
            (text($1).count, kept[$0]) < (text($0).count, kept[$1])
        }
        var ranks = [Int32](repeating: 0, count: kept.count)
        for (rank, index) in order.enumerated() { ranks[index] = Int32(rank) }
        tokens = order.map { Token(id: kept[$0], count: text($0).count) }
        // Those that the text at hand begins with, the longest last.
        var beginnings: [Int] = []
        for index in kept.indices {
            while let last = beginnings.last, !text(index).starts(with: text(last)) {
                beginnings.removeLast()
            }
            tokens[Int(ranks[index])].shorter = beginnings.last.map { Int(ranks[$0]) }
            beginnings.append(index)
        }
        var firsts = [Int](repeating: 0, count: 257)
        for index in kept.indices { firsts[Int(bytes[Int(offsets[index])]) + 1] += 1 }
        for byte in 0..<256 { firsts[byte + 1] += firsts[byte] }
        self.ranks = ranks
        self.bytes = bytes
        self.offsets = offsets
        self.firsts = firsts
    }

    var byteCount: Int {
        tokens.count * MemoryLayout<Token>.stride + 4 * (ranks.count + offsets.count)
            + bytes.count + 8 * firsts.count
    }

    /// The rank of the longest token that begins at `start`.
    func longest(in text: [UInt8], at start: Int) -> Int? {
        let first = Int(text[start])
        var (low, high) = (firsts[first], firsts[first + 1])
        var depth = 1
        var found: Int?
        while low < high {
            if Int(offsets[low + 1] - offsets[low]) == depth {
                found = low
                low += 1
            }
            guard start + depth < text.count else { break }
            let byte = text[start + depth]
            low = index(low, high, depth) { $0 >= byte }
            high = index(low, high, depth) { $0 > byte }
            depth += 1
        }
        return found.map { Int(ranks[$0]) }
    }

    /// The first in `low..<high` whose byte at `depth` is `wanted`, as are those of all behind it.
    private func index(
        _ low: Int, _ high: Int, _ depth: Int, where wanted: (UInt8) -> Bool
    ) -> Int {
        func byte(_ index: Int) -> UInt8 { bytes[Int(offsets[index]) + depth] }
        // Mostly all of them are on one side.
        if low == high || wanted(byte(low)) { return low }
        if !wanted(byte(high - 1)) { return high }
        var (below, above) = (low, high - 1)
        while above - below > 1 {
            let middle = (below + above) / 2
            if wanted(byte(middle)) { above = middle } else { below = middle }
        }
        return above
    }
}
