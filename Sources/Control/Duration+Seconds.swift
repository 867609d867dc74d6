// SPDX-License-Identifier: Apache-2.0

extension Duration {
    /// As a number to calculate with.
    var inSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}
