// SPDX-License-Identifier: Apache-2.0

import Model
import Testing

/// Broken templates throw or render; they never trap. The mutations are the same in every run.
@Suite struct TemplateMutationTests {
    /// Marsaglia's xorshift64: enough to mix up texts.
    private struct Generator: RandomNumberGenerator {
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15

        mutating func next() -> UInt64 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return state
        }
    }

    private static let pieces = [
        "{{", "}}", "{%", "%}", "{#", "#}", "-", "(", ")", "[", "]", "|", ".", "'", "~", "loop",
        "if",
        "else", "endif", "for", "endfor", "set", "in", "not", "is", "none", "0", "-1",
        "99999999999",
        "messages", "::", "**", "//0", "|tojson", "|list", "|sort", "namespace()", "\u{0}", "é",
        "\\",
    ]

    @Test func mutatedTemplatesNeverTrap() throws {
        let fixtures = try TemplateFixtures.load()
        let conversation = try #require(fixtures.conversations["tools"]).variables
        let variables = conversation.merging(fixtures.variables.variables) { first, _ in first }
        let sources = fixtures.chats.map(\.template) + fixtures.features.map(\.template)
        var generator = Generator()
        var renderedCount = 0
        for _ in 0..<2000 {
            var scalars = Array(
                sources[Int.random(in: 0..<sources.count, using: &generator)]
                    .unicodeScalars)
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                mutate(&scalars, &generator)
            }
            var view = String.UnicodeScalarView()
            view.append(contentsOf: scalars)
            if case .success = outcome(of: String(view), variables: variables) {
                renderedCount += 1
            }
        }
        // Both kinds of ending must have been seen for the test to mean anything.
        #expect((1..<2000).contains(renderedCount))
    }

    private func mutate(_ scalars: inout [Unicode.Scalar], _ generator: inout Generator) {
        let start = Int.random(in: 0...scalars.count, using: &generator)
        let end = min(scalars.count, start + Int.random(in: 0...6, using: &generator))
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: scalars.removeSubrange(start..<end)
        case 1: scalars.insert(contentsOf: scalars[start..<end], at: start)
        default:
            let piece = Self.pieces[Int.random(in: 0..<Self.pieces.count, using: &generator)]
            scalars.replaceSubrange(start..<end, with: piece.unicodeScalars)
        }
    }
}
