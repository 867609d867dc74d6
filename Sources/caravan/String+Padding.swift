// SPDX-License-Identifier: Apache-2.0

extension String {
    /// Filled up with spaces on the right, for columns.
    func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }

    /// Filled up with spaces on the left, for columns of numbers.
    func leftPadded(to width: Int) -> String {
        String(repeating: " ", count: max(0, width - count)) + self
    }
}
