// SPDX-License-Identifier: Apache-2.0

/// Reads the fields of one JSON object; what is wrong is thrown as an `APIError` naming the field.
///
/// `null` and absence are the same, as in the OpenAI API. Unknown fields are never looked at.
struct RequestFields {
    private struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    private let container: KeyedDecodingContainer<Name>

    init(_ decoder: any Decoder) throws {
        do {
            container = try decoder.container(keyedBy: Name.self)
        } catch {
            let path = fieldPath(decoder.codingPath)
            throw path.isEmpty
                ? APIError.invalidJSON("the outermost value must be an object")
                : APIError.wrongType(path, "an object")
        }
    }

    /// The field's full name, such as `messages[2].role`.
    func path(_ name: String) -> String {
        let prefix = fieldPath(container.codingPath)
        return prefix.isEmpty ? name : "\(prefix).\(name)"
    }

    func value<T: Decodable>(
        _ type: T.Type, _ name: String, _ expected: @autoclosure () -> String
    ) throws -> T? {
        do {
            return try container.decodeIfPresent(type, forKey: Name(stringValue: name))
        } catch let error as APIError {
            throw error
        } catch DecodingError.typeMismatch {
            throw APIError.wrongType(path(name), expected())
        } catch {
            // Text that the decoder rejects only when it is looked at, and numbers that do not fit.
            throw T.self == String.self
                ? APIError.brokenText(path(name)) : APIError.wrongValue(path(name), expected())
        }
    }

    func string(_ name: String) throws -> String? { try value(String.self, name, "a string") }

    func requiredString(_ name: String) throws -> String {
        guard let text = try string(name) else { throw APIError.missing(path(name)) }
        return text
    }

    func bool(_ name: String) throws -> Bool? { try value(Bool.self, name, "true or false") }

    func integer(_ name: String, in range: ClosedRange<Int>) throws -> Int? {
        let upper = range.upperBound == .max ? "" : " and at most \(range.upperBound)"
        let expected = "an integer of at least \(range.lowerBound)\(upper)"
        guard let value = try value(Int.self, name, expected) else { return nil }
        guard range.contains(value) else { throw APIError.wrongValue(path(name), expected) }
        return value
    }

    func number(
        _ name: String, in range: ClosedRange<Double>, above: Bool = false
    ) throws -> Double? {
        let lower = "a number \(above ? "above" : "of at least") \(range.lowerBound)"
        let upper = range.upperBound.isFinite ? " and at most \(range.upperBound)" : ""
        guard let value = try value(Double.self, name, lower + upper) else { return nil }
        guard value.isFinite, range.contains(value), !(above && value == range.lowerBound) else {
            throw APIError.wrongValue(path(name), lower + upper)
        }
        return value
    }

    /// Refuses a field that would change the answer and that this server does not know how to obey.
    /// `harmless` are texts that would change nothing.
    func refuse(_ name: String, _ advice: String, harmless: Set<String> = []) throws {
        if let text = try? string(name), harmless.contains(text) { return }
        let content = try value(FieldPresence.self, name, "left out")
        if let content, !content.isEmpty { throw APIError.unsupported(path(name), advice) }
    }

    /// The same where only the values in `harmless` would change nothing.
    func refuse<T: Decodable & Equatable>(
        _ name: String, _ advice: String, unless harmless: [T]
    ) throws {
        if let given = try? value(T.self, name, "left out"), harmless.contains(given) { return }
        let key = Name(stringValue: name)
        guard container.contains(key), (try? container.decodeNil(forKey: key)) != true else {
            return
        }
        throw APIError.unsupported(path(name), advice)
    }
}

extension SingleValueDecodingContainer {
    /// The value if it is a text, which the decoder checks only when it is asked for it.
    func text() throws -> String? {
        do {
            return try decode(String.self)
        } catch DecodingError.typeMismatch, DecodingError.valueNotFound {
            return nil
        } catch {
            throw APIError.brokenText(fieldPath(codingPath))
        }
    }
}

/// Whether a field of any type says anything: `null`, `false`, 0, `""`, `[]` and `{}` do not.
private struct FieldPresence: Decodable {
    let isEmpty: Bool

    private struct AnyKey: CodingKey {
        let stringValue: String
        let intValue: Int? = nil
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
        if let object = try? decoder.container(keyedBy: AnyKey.self) {
            isEmpty = object.allKeys.isEmpty
        } else if let list = try? decoder.unkeyedContainer() {
            isEmpty = list.isAtEnd
        } else {
            let value = try decoder.singleValueContainer()
            if let flag = try? value.decode(Bool.self) {
                isEmpty = !flag
            } else if let number = try? value.decode(Double.self) {
                isEmpty = number == 0
            } else {
                isEmpty = (try? value.decode(String.self))?.isEmpty ?? value.decodeNil()
            }
        }
    }
}

/// `["messages", 0, "content"]` as people write it: `messages[0].content`.
private func fieldPath(_ path: [any CodingKey]) -> String {
    path.reduce(into: "") { text, key in
        if let index = key.intValue {
            text += "[\(index)]"
        } else {
            text += text.isEmpty ? key.stringValue : ".\(key.stringValue)"
        }
    }
}
