// SPDX-License-Identifier: Apache-2.0

import Cluster
import Platform
import Synchronization

/// One line on the terminal that is rewritten while something takes long; silent elsewhere.
final class ProgressLine: Sendable {
    private let isShown = StandardError.isTerminal
    private let width = Mutex(0)

    func show(_ status: ClusterStatus) {
        var text = "\(status.state): \(status.detail)"
        if status.shippedBytes > 0 { text += ", \(ByteSize.text(status.shippedBytes)) shipped" }
        show(text)
    }

    func show(_ text: String) {
        guard isShown else { return }
        let line = String(text.prefix(100))
        let previous = width.withLock { old in
            defer { old = line.count }
            return old
        }
        StandardError.write("\r" + line.padded(to: previous))
    }

    func clear() {
        let previous = width.withLock { $0 }
        guard isShown, previous > 0 else { return }
        StandardError.write("\r" + String(repeating: " ", count: previous) + "\r")
    }
}
