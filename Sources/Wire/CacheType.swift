// SPDX-License-Identifier: Apache-2.0

/// What KV caches hold. Numbers are those of `WireType`.
package enum CacheType: UInt8, Sendable, CaseIterable {
    case f16 = 2
    /// Codes of 8 bits, and an f16 scale for every 32 of them.
    case q8 = 3

    package init?(name: String) {
        guard let type = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = type
    }

    package var name: String { "\(self)" }
}
