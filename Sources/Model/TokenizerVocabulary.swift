// SPDX-License-Identifier: Apache-2.0

import Platform

/// What a token is for; raw values are GGUF's numbers.
///
/// Source: the GGUF specification, `tokenizer.ggml.token_type`.
enum TokenKind: UInt8, Sendable {
    case undefined = 0
    case normal = 1
    case unknown = 2
    case control = 3
    case userDefined = 4
    case unused = 5
    case byte = 6

    /// Shown only on request, and found in text only where special tokens are parsed.
    var isHidden: Bool { self == .control || self == .unknown }
}

/// The tokens' bytes and kinds, and the way back from bytes to a token.
///
/// One run of bytes with offsets and one open-addressed table of ids, because a vocabulary of 10⁵
/// strings would cost several times its text.
struct TokenizerVocabulary: Sendable {
    /// What a token adds to the text, one token after another.
    private(set) var arena: [UInt8] = []
    /// Token `i` is `arena[offsets[i]..<offsets[i + 1]]`.
    private var offsets: [UInt32] = [0]
    private var kinds: [UInt8] = []
    /// Ids by the hash of their bytes, at most three quarters full.
    private var slots: [UInt32]
    /// Where hashing begins. Nobody knows it, so no file can have its tokens share their slots.
    private let seed = Randomness.word()

    static let none = UInt32.max

    init(tokenCount: Int) {
        offsets.reserveCapacity(tokenCount + 1)
        kinds.reserveCapacity(tokenCount)
        slots = [UInt32](repeating: Self.none, count: tokenCount + tokenCount / 3 + 8)
    }

    var count: Int { kinds.count }

    var byteCount: Int { arena.capacity + 4 * offsets.capacity + kinds.capacity + 4 * slots.count }

    func range(of id: UInt32) -> Range<Int> {
        Int(offsets[Int(id)])..<Int(offsets[Int(id) + 1])
    }

    func kind(of id: UInt32) -> TokenKind { TokenKind(rawValue: kinds[Int(id)]) ?? .undefined }

    /// Gives back the room that was set aside for growing.
    mutating func trim() {
        var exact: [UInt8] = []
        exact.reserveCapacity(arena.count)
        exact.append(contentsOf: arena)
        arena = exact
    }

    func bytes(of id: UInt32) -> ArraySlice<UInt8> { arena[range(of: id)] }

    /// Appends the next token. Where `isIndexed`, its bytes lead back to it from then on.
    mutating func append(
        _ bytes: [UInt8], kind: TokenKind, isIndexed: Bool
    ) throws(TokenizerError) {
        let id = UInt32(count)
        arena.append(contentsOf: bytes)
        offsets.append(UInt32(arena.count))
        kinds.append(kind.rawValue)
        guard isIndexed, !bytes.isEmpty else { return }
        let slot = slotIndex(of: bytes, 0, bytes.count)
        guard slots[slot] == Self.none else {
            throw .duplicateToken(first: slots[slot], second: id)
        }
        slots[slot] = id
    }

    /// The token whose bytes are `text[start..<end]`.
    func id(of text: [UInt8], _ start: Int, _ end: Int) -> UInt32? {
        let id = slots[slotIndex(of: text, start, end)]
        return id == Self.none ? nil : id
    }

    /// The slot that holds `text[start..<end]`, or the empty one where it would be put.
    private func slotIndex(of text: [UInt8], _ start: Int, _ end: Int) -> Int {
        // A multiplication carries low bits up, and the shift brings high bits down again: without
        // it there would be texts with one hash wherever it begins.
        var hash = seed
        for index in start..<end {
            hash = (hash ^ UInt64(text[index])) &* 0x9E37_79B9_7F4A_7C15
            hash ^= hash >> 32
        }
        var slot = Int(hash.multipliedFullWidth(by: UInt64(slots.count)).high)
        while slots[slot] != Self.none, !isToken(slots[slot], text, start, end) {
            slot += 1
            if slot == slots.count { slot = 0 }
        }
        return slot
    }

    private func isToken(_ id: UInt32, _ text: [UInt8], _ start: Int, _ end: Int) -> Bool {
        let range = range(of: id)
        guard range.count == end - start else { return false }
        for index in 0..<range.count
        where arena[range.lowerBound + index] != text[start + index] {
            return false
        }
        return true
    }
}
