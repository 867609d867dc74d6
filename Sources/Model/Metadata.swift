// SPDX-License-Identifier: Apache-2.0

/// One value of a model file's metadata. Integers of every width are widened without loss.
package enum MetadataValue: Sendable, Equatable {
    case unsigned(UInt64)
    case signed(Int64)
    case float(Double)
    case bool(Bool)
    case string(String)
    case array([MetadataValue])
    /// Kept unboxed: vocabularies have 10⁵ entries and more.
    case strings([String])
    case integers([Int64])
    case floats([Float])
}

/// A model file's metadata in file order, with typed look-ups.
package struct Metadata: Sendable {
    package private(set) var keys: [String] = []
    private var values: [String: MetadataValue] = [:]

    package init() {}

    package subscript(key: String) -> MetadataValue? { values[key] }

    /// Adds `value`; false if `key` is there already.
    package mutating func insert(_ key: String, _ value: MetadataValue) -> Bool {
        guard values.updateValue(value, forKey: key) == nil else { return false }
        keys.append(key)
        return true
    }

    package func string(_ key: String) -> String? {
        if case .string(let text)? = values[key] { text } else { nil }
    }

    package func integer(_ key: String) -> Int? {
        switch values[key] {
        case .unsigned(let value)?: Int(exactly: value)
        case .signed(let value)?: Int(exactly: value)
        default: nil
        }
    }

    package func number(_ key: String) -> Double? {
        if case .float(let value)? = values[key] { value } else { integer(key).map(Double.init) }
    }

    package func bool(_ key: String) -> Bool? {
        if case .bool(let value)? = values[key] { value } else { nil }
    }

    package func strings(_ key: String) -> [String]? {
        if case .strings(let list)? = values[key] { list } else { nil }
    }

    package func integers(_ key: String) -> [Int64]? {
        if case .integers(let list)? = values[key] { list } else { nil }
    }

    package func floats(_ key: String) -> [Float]? {
        if case .floats(let list)? = values[key] { list } else { nil }
    }
}
