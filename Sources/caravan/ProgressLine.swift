// SPDX-License-Identifier: Apache-2.0

import Cluster
import Platform

/// One line on the terminal that is rewritten while something takes long; silent elsewhere.
enum ProgressLine {
    /// Short enough for a terminal of 80 columns not to wrap it.
    private static let lengthMax = 79

    static func show(_ status: ClusterStatus) {
        var text = "\(status.state): \(status.detail)"
        if status.shippedBytes > 0 { text += ", \(ByteSize.text(status.shippedBytes)) shipped" }
        show(text)
    }

    static func show(_ text: String) {
        StandardError.showProgress(String(text.prefix(lengthMax)))
    }

    static func clear() { StandardError.showProgress("") }
}
