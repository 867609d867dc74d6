// SPDX-License-Identifier: Apache-2.0

/// Guesses a sequence's next tokens by what followed the newest ones where they stood before: text
/// that is quoted, corrected or summarised comes again.
///
/// Known as prompt lookup decoding, a speculative decoding without a second model (Saxena, 2023).
enum PromptLookup {
    /// Tokens that must have stood together before.
    private static let alikeMin = 3
    /// From so many on a place is as good as any other.
    private static let alikeMax = 16

    /// The `count` tokens that followed where most of the newest of `tokens` stood before, of
    /// several such places the latest; none if even `alikeMin` did not. What follows at the very
    /// end repeats itself.
    static func tokens(after tokens: [UInt32], count: Int) -> [UInt32] {
        guard count > 0, let start = place(after: tokens) else { return [] }
        var result: [UInt32] = []
        for index in start..<start + count {
            result.append(
                index < tokens.count ? tokens[index] : result[index - tokens.count])
        }
        return result
    }

    /// Where what follows the newest tokens would begin.
    private static func place(after tokens: [UInt32]) -> Int? {
        tokens.withUnsafeBufferPointer { tokens in
            guard let newest = tokens.last else { return nil }
            let end = tokens.count - 1
            var best = (alike: alikeMin - 1, place: Int?.none)
            for index in stride(from: end - 1, through: alikeMin - 1, by: -1)
            where tokens[index] == newest {
                var alike = 1
                while alike < alikeMax, alike <= index, tokens[index - alike] == tokens[end - alike]
                {
                    alike += 1
                }
                if alike > best.alike { best = (alike, index + 1) }
                if alike == alikeMax { break }
            }
            return best.place
        }
    }
}
