// SPDX-License-Identifier: Apache-2.0

import Cluster
import Platform

/// One line on the terminal that is rewritten while something takes long; silent elsewhere.
package enum ProgressLine {
    private static let columnsMax = 79

    static func show(_ status: ClusterStatus) {
        var text = "\(status.state): \(status.detail)"
        if status.shippedBytes > 0 { text += ", \(ByteSize.text(status.shippedBytes)) shipped" }
        show(text)
    }

    static func show(_ text: String) { show(StyledLine(text.oneColumned), colour: false) }

    static func show(_ line: StyledLine, colour: Bool) {
        let line = fitted(line, columnCount: StandardError.columnCount)
        StandardError.showProgress(line.text(colour: colour))
    }

    /// What a terminal of so many columns does not wrap: of a line that is wrapped only the last
    /// part would be written over.
    package static func fitted(_ line: StyledLine, columnCount: Int) -> StyledLine {
        line.cut(to: min(columnsMax, columnCount - 1))
    }

    static func clear() { StandardError.showProgress("") }
}
