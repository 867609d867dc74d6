// SPDX-License-Identifier: Apache-2.0

import Platform

extension StandardOutput {
    /// Writes what a model or a server says as it is, but to a terminal without control characters:
    /// that is not theirs to steer. False if nobody reads it any more.
    @discardableResult
    static func write(answer text: String) -> Bool { write(answerForm(text)) }

    /// The same, which throws then.
    static func show(answer text: String) throws(OutputError) { try show(answerForm(text)) }

    private static func answerForm(_ text: String) -> String {
        isTerminal ? text.escapingControlsButLayout : text
    }
}
