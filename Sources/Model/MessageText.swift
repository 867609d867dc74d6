// SPDX-License-Identifier: Apache-2.0

extension String {
    /// The text of a file as a message may show it: short, and without control characters, so
    /// that an error stays one line and cannot drive a terminal.
    var inMessage: String {
        var shown = String.UnicodeScalarView()
        for scalar in unicodeScalars {
            guard shown.count < 80 else { return String(shown) + "…" }
            let isControl = scalar.properties.generalCategory == .control
            let isBreak = scalar.value == 0x2028 || scalar.value == 0x2029
            shown.append(isControl || isBreak ? "\u{FFFD}" : scalar)
        }
        return String(shown)
    }
}
