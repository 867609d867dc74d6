// SPDX-License-Identifier: Apache-2.0

import Platform

extension StandardOutput {
    /// Writes a part of a model's answer as it is, but to a terminal without control characters:
    /// what a model says does not steer it. False if nobody reads it any more.
    @discardableResult
    static func write(answer text: String) -> Bool {
        write(isTerminal ? text.escapingControlsButLayout : text)
    }
}
