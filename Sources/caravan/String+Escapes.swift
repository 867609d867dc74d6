// SPDX-License-Identifier: Apache-2.0

extension String {
    /// The text with its control characters written out: what a user, a file or a peer named does
    /// not steer the terminal that an error is shown on, nor break its line.
    package var escapingControls: String { escapingControls(but: []) }

    /// The same for a text of several lines, such as a model's answer: line feeds and tabs stay.
    package var escapingControlsButLayout: String { escapingControls(but: ["\n", "\t"]) }

    private func escapingControls(but kept: Set<Unicode.Scalar>) -> String {
        unicodeScalars.reduce(into: "") { text, scalar in
            switch scalar.value {
            case _ where kept.contains(scalar): text.unicodeScalars.append(scalar)
            case 0x0A: text += "\\n"
            case 0x0D: text += "\\r"
            case 0x09: text += "\\t"
            case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029:
                text += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
            default: text.unicodeScalars.append(scalar)
            }
        }
    }
}
