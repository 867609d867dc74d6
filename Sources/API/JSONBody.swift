// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// Bodies to values and back.
enum JSONBody {
    /// Decodes `bytes`, which come from a stranger.
    static func decode<T: Decodable>(_ type: T.Type, _ bytes: [UInt8]) throws(APIError) -> T {
        try decode(bytes) { try $0.decode(type, from: $1) }
    }

    /// The same of what depends on more than the bytes.
    static func decode<T: DecodableWithConfiguration>(
        _ type: T.Type, _ bytes: [UInt8], _ configuration: T.DecodingConfiguration
    ) throws(APIError) -> T {
        try decode(bytes) { try $0.decode(type, from: $1, configuration: configuration) }
    }

    private static func decode<T>(
        _ bytes: [UInt8], _ read: (JSONDecoder, Data) throws -> T
    ) throws(APIError) -> T {
        // The decoder would guess UTF-16 from zero bytes; JSON text never has one.
        guard !bytes.contains(0), String(validating: bytes, as: UTF8.self) != nil else {
            throw .invalidJSON("it is not UTF-8 text")
        }
        guard depth(bytes) <= HTTPLimits.jsonDepthMax else {
            throw .invalidJSON("it is nested deeper than \(HTTPLimits.jsonDepthMax) levels")
        }
        do {
            return try read(JSONDecoder(), Data(bytes))
        } catch let error as APIError {
            throw error
        } catch {
            throw .invalidJSON("it cannot be parsed")
        }
    }

    /// Keys are sorted, so that the same value gives the same bytes.
    static func encode(_ value: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return Array(try encoder.encode(value))
        } catch {
            preconditionFailure("an answer cannot be encoded: \(error)")
        }
    }

    /// How deep arrays and objects are nested, whatever else is wrong with the text.
    static func depth(_ bytes: [UInt8]) -> Int {
        var depth = 0
        var deepest = 0
        var isInString = false
        var isEscaped = false
        for byte in bytes {
            if isInString {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): isInString = true
            case UInt8(ascii: "["), UInt8(ascii: "{"):
                depth += 1
                deepest = max(deepest, depth)
            case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
            default: break
            }
        }
        return deepest
    }
}
