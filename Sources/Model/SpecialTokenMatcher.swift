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

    private struct Candidate {
        let id: UInt32
        let isHidden: Bool
        let text: [UInt8]
    }

    /// Longest first, then by id.
    private let candidates: [Candidate]
    /// Indexes into `candidates` by the first byte of their texts.
    private let byFirstByte: [[Int]]

    init(_ vocabulary: TokenizerVocabulary) {
        var candidates: [Candidate] = []
        for id in 0..<UInt32(vocabulary.count) {
            let kind = vocabulary.kind(of: id)
            guard kind.isHidden || kind == .userDefined, !vocabulary.range(of: id).isEmpty else {
                continue
            }
            candidates.append(
                Candidate(
                    id: id, isHidden: kind.isHidden, text: [UInt8](vocabulary.bytes(of: id))))
        }
        candidates.sort { ($1.text.count, $0.id) < ($0.text.count, $1.id) }
        var byFirstByte = [[Int]](repeating: [], count: 256)
        for (index, candidate) in candidates.enumerated() {
            byFirstByte[Int(candidate.text[0])].append(index)
        }
        self.candidates = candidates
        self.byFirstByte = byFirstByte
    }

    var byteCount: Int {
        let stride = MemoryLayout<Candidate>.stride + MemoryLayout<Int>.stride
        return candidates.reduce(256 * 8) { $0 + stride + 32 + $1.text.count }
    }

    func fragments(of text: [UInt8], parseSpecial: Bool) -> [Fragment] {
        guard !text.isEmpty else { return [] }
        var fragments = [Fragment.text(0..<text.count)]
        for candidate in candidatesPresent(in: text, parseSpecial: parseSpecial) {
            var split: [Fragment] = []
            for fragment in fragments {
                switch fragment {
                case .token: split.append(fragment)
                case .text(let range): cut(text, range, at: candidate, into: &split)
                }
            }
            fragments = split
        }
        return fragments
    }

    /// Those that occur in `text` at all, in the order in which they take their places.
    private func candidatesPresent(in text: [UInt8], parseSpecial: Bool) -> [Candidate] {
        var isPresent = [Bool](repeating: false, count: candidates.count)
        for (start, byte) in text.enumerated() where !byFirstByte[Int(byte)].isEmpty {
            for index in byFirstByte[Int(byte)] where !isPresent[index] {
                let candidate = candidates[index]
                guard parseSpecial || !candidate.isHidden else { continue }
                isPresent[index] = matches(candidate, text, start, text.count)
            }
        }
        return candidates.indices.filter { isPresent[$0] }.map { candidates[$0] }
    }

    private func matches(
        _ candidate: Candidate, _ text: [UInt8], _ start: Int, _ limit: Int
    ) -> Bool {
        guard start + candidate.text.count <= limit else { return false }
        for (offset, byte) in candidate.text.enumerated() where text[start + offset] != byte {
            return false
        }
        return true
    }

    private func cut(
        _ text: [UInt8], _ range: Range<Int>, at candidate: Candidate,
        into fragments: inout [Fragment]
    ) {
        var textStart = range.lowerBound
        var index = textStart
        while index < range.upperBound {
            guard text[index] == candidate.text[0],
                matches(candidate, text, index, range.upperBound)
            else {
                index += 1
                continue
            }
            if textStart < index { fragments.append(.text(textStart..<index)) }
            fragments.append(.token(candidate.id))
            index += candidate.text.count
            textStart = index
        }
        if textStart < range.upperBound { fragments.append(.text(textStart..<range.upperBound)) }
    }
}
