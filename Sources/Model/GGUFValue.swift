// SPDX-License-Identifier: Apache-2.0

/// A metadata value of any GGUF type, to be written.
///
/// Source: the GGUF specification (ggml, docs/gguf.md), enum `gguf_metadata_value_type`.
package indirect enum GGUFValue: Sendable {
    case uint8(UInt8)
    case int8(Int8)
    case uint16(UInt16)
    case int16(Int16)
    case uint32(UInt32)
    case int32(Int32)
    case float32(Float)
    case bool(Bool)
    case string(String)
    case uint64(UInt64)
    case int64(Int64)
    case float64(Double)
    /// Elements are of the type number given, which an empty array needs as well.
    case array(UInt32, [GGUFValue])

    package static func strings(_ list: [String]) -> GGUFValue { .array(8, list.map(Self.string)) }
    package static func int32s(_ list: [Int32]) -> GGUFValue { .array(5, list.map(Self.int32)) }

    package var typeNumber: UInt32 {
        switch self {
        case .uint8: 0
        case .int8: 1
        case .uint16: 2
        case .int16: 3
        case .uint32: 4
        case .int32: 5
        case .float32: 6
        case .bool: 7
        case .string: 8
        case .array: 9
        case .uint64: 10
        case .int64: 11
        case .float64: 12
        }
    }

    package func write(to out: inout [UInt8]) {
        switch self {
        case .uint8(let value): out.append(littleEndian: value)
        case .int8(let value): out.append(littleEndian: value)
        case .uint16(let value): out.append(littleEndian: value)
        case .int16(let value): out.append(littleEndian: value)
        case .uint32(let value): out.append(littleEndian: value)
        case .int32(let value): out.append(littleEndian: value)
        case .float32(let value): out.append(littleEndian: value.bitPattern)
        case .bool(let value): out.append(littleEndian: UInt8(value ? 1 : 0))
        case .string(let value): out.append(text: value)
        case .uint64(let value): out.append(littleEndian: value)
        case .int64(let value): out.append(littleEndian: value)
        case .float64(let value): out.append(littleEndian: value.bitPattern)
        case .array(let type, let elements):
            out.append(littleEndian: type)
            out.append(littleEndian: UInt64(elements.count))
            for element in elements { element.write(to: &out) }
        }
    }
}
