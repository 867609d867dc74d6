// SPDX-License-Identifier: Apache-2.0

extension String {
    /// Filled up with spaces on the right, for columns.
    func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
