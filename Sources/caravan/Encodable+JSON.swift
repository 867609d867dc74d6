// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

extension Encodable {
    /// As JSON, keys in alphabetical order.
    func json(_ formatting: JSONEncoder.OutputFormatting = []) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = formatting.union(.sortedKeys)
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}
