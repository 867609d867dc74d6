// SPDX-License-Identifier: Apache-2.0

/// A value inside a template, as Python would have it.
package enum TemplateValue: Sendable {
    /// The payload says what was missing, for the error that using it raises.
    case undefined(String)
    case none
    case bool(Bool)
    case int(Int)
    case double(Double)
    case string(String)
    case sequence(TemplateSequence)
    case mapping(TemplateMapping)
    /// Index of a namespace of the evaluation: the one kind of value a template can change.
    case namespace(Int)
    /// The variable `loop` as it is in one iteration.
    indirect case loop(TemplateLoop)
    indirect case callable(TemplateCallable)

    package static func list(_ elements: [TemplateValue]) -> TemplateValue {
        .sequence(TemplateSequence(elements))
    }

    package static func tuple(_ elements: [TemplateValue]) -> TemplateValue {
        .sequence(TemplateSequence(elements, isTuple: true))
    }

    package static func dictionary(_ entries: [(String, TemplateValue)]) -> TemplateValue {
        var mapping = TemplateMapping()
        for (key, value) in entries { mapping.insert(value, key: .string(key)) }
        return .mapping(mapping)
    }

    /// Levels of containers: 0 for a plain value.
    package var depth: Int {
        switch self {
        case .sequence(let list): list.depth
        case .mapping(let mapping): mapping.depth
        case .loop(let loop): loop.elements.depth + 1
        case .callable(.method(let receiver, _)), .callable(.forbidden(let receiver, _)):
            receiver.depth + 1
        default: 0
        }
    }

    /// Nodes a walk over the value visits, 16 bytes of text counting as one; saturating.
    package var weight: Int {
        switch self {
        case .string(let text): 1 + text.utf8.count / 16
        case .sequence(let list): list.weight
        case .mapping(let mapping): mapping.weight
        case .loop(let loop): loop.elements.weight
        case .callable(.method(let receiver, _)), .callable(.forbidden(let receiver, _)):
            receiver.weight
        default: 1
        }
    }

    /// Python's name of the type, for messages.
    var typeName: String {
        switch self {
        case .undefined: "Undefined"
        case .none: "None"
        case .bool: "bool"
        case .int: "int"
        case .double: "float"
        case .string: "str"
        case .sequence(let list): list.isTuple ? "tuple" : "list"
        case .mapping: "dict"
        case .namespace: "Namespace"
        case .loop: "LoopContext"
        case .callable: "function"
        }
    }

    var isUndefined: Bool { if case .undefined = self { true } else { false } }
}

/// A list or tuple; it knows its depth and weight so that no walk over it is a surprise.
package struct TemplateSequence: Sendable {
    package let elements: [TemplateValue]
    package let isTuple: Bool
    package let depth: Int
    package let weight: Int

    package init(_ elements: [TemplateValue], isTuple: Bool = false) {
        var depth = 0
        var weight = 1
        for element in elements {
            depth = max(depth, element.depth)
            weight = saturatingSum(weight, element.weight)
        }
        self.elements = elements
        self.isTuple = isTuple
        self.depth = depth + 1
        self.weight = weight
    }
}

/// A dictionary in the order of insertion.
package struct TemplateMapping: Sendable {
    package private(set) var entries: [(key: TemplateValue, value: TemplateValue)] = []
    private var indices: [TemplateKey: Int] = [:]
    package private(set) var depth = 1
    package private(set) var weight = 1

    package init() {}

    package subscript(key: String) -> TemplateValue? { value(for: .string(key)) }

    /// Nil also for keys of types that cannot be keys.
    package func value(for key: TemplateValue) -> TemplateValue? {
        guard let key = TemplateKey(key), let index = indices[key] else { return nil }
        return entries[index].value
    }

    /// Adds or replaces; false if `key` cannot be a key (Python: "unhashable type").
    @discardableResult
    package mutating func insert(_ value: TemplateValue, key: TemplateValue) -> Bool {
        guard let hashed = TemplateKey(key) else { return false }
        depth = max(depth, value.depth + 1)
        weight = saturatingSum(weight, saturatingSum(key.weight, value.weight))
        if let index = indices[hashed] {
            entries[index].value = value
        } else {
            indices[hashed] = entries.count
            entries.append((key, value))
        }
        return true
    }
}

/// What Python's hash and equality make of a dictionary key: `1`, `1.0` and `True` are one key,
/// and texts differ if any code point does.
enum TemplateKey: Hashable {
    case none
    case integer(Int)
    case double(Double)
    case text([UInt8])

    init?(_ value: TemplateValue) {
        switch value {
        case .none: self = .none
        case .bool(let flag): self = .integer(flag ? 1 : 0)
        case .int(let number): self = .integer(number)
        case .double(let number):
            self = Int(exactly: number).map(TemplateKey.integer) ?? .double(number)
        case .string(let text): self = .text(Array(text.utf8))
        default: return nil
        }
    }
}

/// Something a template can call.
package enum TemplateCallable: Sendable {
    case function(TemplateFunction)
    /// Index of a macro of the evaluation.
    case macro(Int)
    case method(receiver: TemplateValue, TemplateMethod)
    /// A method that would change its receiver, which the sandbox does not allow.
    case forbidden(receiver: TemplateValue, String)
}

/// The functions every template knows, as Hugging Face's transformers sets them up.
package enum TemplateFunction: String, Sendable {
    case range
    case dict
    case namespace
    case raiseException = "raise_exception"
    case strftimeNow = "strftime_now"
}

/// The variable `loop` in one iteration.
package struct TemplateLoop: Sendable {
    /// Which loop of the evaluation, for `loop.changed`.
    let id: Int
    let elements: TemplateSequence
    let index: Int
}

func saturatingSum(_ a: Int, _ b: Int) -> Int {
    let (sum, overflow) = a.addingReportingOverflow(b)
    return overflow ? Int.max : sum
}
