// SPDX-License-Identifier: Apache-2.0

import Platform

extension StandardOutput {
    /// Writes what a model or a server says as it is, but to a terminal without control characters:
    /// that is not theirs to steer.
    static func show(answer text: String) throws(OutputError) {
        try show(isTerminal ? text.escapingControlsButLayout : text)
    }
}
