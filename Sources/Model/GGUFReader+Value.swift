// SPDX-License-Identifier: Apache-2.0

/// The types of metadata values; raw values are GGUF's numbers (enum `gguf_metadata_value_type`).
enum GGUFValueType: UInt32 {
    case uint8, int8, uint16, int16, uint32, int32, float32, bool, string, array
    case uint64, int64, float64

    /// Least bytes one value takes: an empty text is a length, an empty array a type and a count.
    var byteCountMin: UInt64 {
        switch self {
        case .uint8, .int8, .bool: 1
        case .uint16, .int16: 2
        case .uint32, .int32, .float32: 4
        case .uint64, .int64, .float64, .string: 8
        case .array: 12
        }
    }
}

extension GGUFReader {
    /// One value of type number `type`; `depth` is how many arrays it lies in.
    mutating func value(
        _ type: UInt32, _ key: String, depth: Int
    ) throws(GGUFFault) -> MetadataValue {
        guard let type = GGUFValueType(rawValue: type) else {
            throw .valueType(key: key, type: type)
        }
        switch type {
        case .uint8, .uint16, .uint32, .uint64: return .unsigned(try unsigned(type, key))
        case .int8, .int16, .int32, .int64: return .signed(try signed(type, key))
        case .float32: return .float(Double(try float(key)))
        case .float64: return .float(Double(bitPattern: try uint64(key)))
        case .bool: return .bool(try boolean(key))
        case .string: return .string(try text(key))
        case .array: return try array(key, depth: depth + 1)
        }
    }

    private mutating func array(
        _ key: String, depth: Int
    ) throws(GGUFFault) -> MetadataValue {
        guard depth <= GGUFLimits.arrayDepthMax else {
            throw .nesting(key: key, limit: GGUFLimits.arrayDepthMax)
        }
        let number = try uint32(key)
        guard let type = GGUFValueType(rawValue: number) else {
            throw .valueType(key: key, type: number)
        }
        let count = try arrayCount(key, elementByteCountMin: type.byteCountMin)
        switch type {
        case .string:
            return .strings(try list(count) { reader throws(GGUFFault) in try reader.text(key) })
        case .float32:
            return .floats(try list(count) { reader throws(GGUFFault) in try reader.float(key) })
        case .uint8, .uint16, .uint32:
            return .integers(
                try list(count) { reader throws(GGUFFault) in
                    Int64(try reader.unsigned(type, key))
                })
        case .int8, .int16, .int32, .int64:
            return .integers(
                try list(count) { reader throws(GGUFFault) in try reader.signed(type, key) })
        case .uint64:
            return .widened(
                try list(count) { reader throws(GGUFFault) in try reader.uint64(key) })
        case .float64, .bool, .array:
            return .array(
                try list(count) { reader throws(GGUFFault) in
                    try reader.value(number, key, depth: depth)
                })
        }
    }

    /// `count` elements in order. The count has been checked, so room can be reserved.
    private mutating func list<T>(
        _ count: Int, _ element: (inout GGUFReader) throws(GGUFFault) -> T
    ) throws(GGUFFault) -> [T] {
        var list: [T] = []
        list.reserveCapacity(count)
        for _ in 0..<count { list.append(try element(&self)) }
        return list
    }

    private mutating func unsigned(
        _ type: GGUFValueType, _ key: String
    ) throws(GGUFFault) -> UInt64 {
        switch type {
        case .uint8: UInt64(try uint8(key))
        case .uint16: UInt64(try uint16(key))
        case .uint32: UInt64(try uint32(key))
        default: try uint64(key)
        }
    }

    private mutating func signed(
        _ type: GGUFValueType, _ key: String
    ) throws(GGUFFault) -> Int64 {
        switch type {
        case .int8: Int64(Int8(bitPattern: try uint8(key)))
        case .int16: Int64(Int16(bitPattern: try uint16(key)))
        case .int32: Int64(Int32(bitPattern: try uint32(key)))
        default: Int64(bitPattern: try uint64(key))
        }
    }

    private mutating func float(_ key: String) throws(GGUFFault) -> Float {
        Float(bitPattern: try uint32(key))
    }

    private mutating func boolean(_ key: String) throws(GGUFFault) -> Bool {
        let value = try uint8(key)
        guard value <= 1 else { throw .boolean(key: key, value: value) }
        return value == 1
    }
}

extension MetadataValue {
    /// Unboxed where every number fits, one by one otherwise: nothing is lost.
    fileprivate static func widened(_ list: [UInt64]) -> MetadataValue {
        let integers = list.compactMap(Int64.init(exactly:))
        return integers.count == list.count
            ? .integers(integers) : .array(list.map(MetadataValue.unsigned))
    }

    /// What sort of value it is, for messages.
    var kind: String {
        switch self {
        case .unsigned, .signed: "an integer"
        case .float: "a fraction"
        case .bool: "a boolean"
        case .string: "a text"
        case .array, .strings, .integers, .floats: "an array"
        }
    }
}
