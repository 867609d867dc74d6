// SPDX-License-Identifier: Apache-2.0

/// Finds special tokens in text before anything else is done with it.
///
/// As llama.cpp does: longer tokens take their places first, wherever they are; among the places
/// of one token the leftmost counts. User-defined tokens are always found, control tokens and the
/// unknown token only where special tokens are parsed.
struct SpecialTokenMatcher: Sendable {
    /// A stretch of the text: a special token, or text to be tokenised.
    enum Fragment: Equatable {
        case token(UInt32)
        case text(Range<Int>)
    }

    /// Where a token has taken its place.
    private typealias Place = (start: Int, token: SpecialTokenTable.Token)

    private let all: SpecialTokenTable
    private let userDefined: SpecialTokenTable

    init(_ vocabulary: TokenizerVocabulary) {
        var special: [UInt32] = []
        for id in 0..<UInt32(vocabulary.count) {
            let kind = vocabulary.kind(of: id)
            guard kind.isHidden || kind == .userDefined, !vocabulary.range(of: id).isEmpty else {
                continue
            }
            special.append(id)
        }
        all = SpecialTokenTable(special, vocabulary)
        userDefined = SpecialTokenTable(
            special.filter { vocabulary.kind(of: $0) == .userDefined }, vocabulary)
    }

    var byteCount: Int { all.byteCount + userDefined.byteCount }

    func fragments(of text: [UInt8], parseSpecial: Bool) -> [Fragment] {
        var fragments: [Fragment] = []
        var textStart = 0
        for place in places(of: parseSpecial ? all : userDefined, in: text) {
            if textStart < place.start { fragments.append(.text(textStart..<place.start)) }
            fragments.append(.token(place.token.id))
            textStart = place.start + place.token.count
        }
        if textStart < text.count { fragments.append(.text(textStart..<text.count)) }
        return fragments
    }

    /// The tokens that get a place, from left to right.
    ///
    /// Each place of the text waits with the longest token that begins there, and the ranks are
    /// gone through once. Where something longer has taken the end of a token's place but not its
    /// start, a shorter token that begins in the same way may still fit.
    private func places(of table: SpecialTokenTable, in text: [UInt8]) -> [Place] {
        var waiting = [[Int32]](repeating: [], count: table.tokens.count)
        for start in text.indices {
            guard let rank = table.longest(in: text, at: start) else { continue }
            waiting[rank].append(Int32(start))
        }
        var isTaken = [Bool](repeating: false, count: text.count)
        var places: [Place] = []
        for (rank, token) in table.tokens.enumerated() where !waiting[rank].isEmpty {
            var starts: [Int32] = []
            swap(&starts, &waiting[rank])
            // Those that longer tokens left behind came last.
            starts.sort()
            for start in starts.lazy.map(Int.init) where !isTaken[start] {
                let end = start + token.count
                // What is there already is no shorter, so it covers one of the ends if anything.
                if isTaken[end - 1] {
                    if let shorter = token.shorter { waiting[shorter].append(Int32(start)) }
                    continue
                }
                for index in start..<end { isTaken[index] = true }
                places.append((start, token))
            }
        }
        return places.sorted { $0.start < $1.start }
    }
}
