// SPDX-License-Identifier: Apache-2.0

import Testing
import caravan

struct ProgressLineTests {
    private static let text = "loading: worker box1 loads layers 0..<12 of 24"

    private func fitted(_ columnCount: Int, _ style: StyledLine.Style = .plain) -> String {
        ProgressLine.fitted(StyledLine(Self.text, style), columnCount: columnCount)
            .text(colour: style != .plain)
    }

    @Test func oneColumnStaysFree() {
        for columnCount in 1...60 {
            #expect(fitted(columnCount).count == min(Self.text.count, columnCount - 1))
        }
        #expect(fitted(12) == "loading: w…")
        #expect(fitted(80) == Self.text)
        let long = StyledLine(String(repeating: "a", count: 300))
        #expect(ProgressLine.fitted(long, columnCount: 200).text(colour: false).count == 79)
    }

    /// Else all that is written afterwards would have it.
    @Test func theStyleOfWhatIsCutEnds() {
        #expect(fitted(12, .faint) == "\u{1B}[2mloading: w…\u{1B}[0m")
    }
}
