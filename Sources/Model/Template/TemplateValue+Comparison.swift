// SPDX-License-Identifier: Apache-2.0

extension TemplateValue: Equatable {
    /// Python's `==`: numbers compare by value whatever their type, texts by code points.
    package static func == (left: TemplateValue, right: TemplateValue) -> Bool {
        switch (left, right) {
        case (.undefined, .undefined), (.none, .none): return true
        case (.string(let a), .string(let b)): return a.isSame(as: b)
        case (.sequence(let a), .sequence(let b)):
            return a.isTuple == b.isTuple && a.elements == b.elements
        case (.mapping(let a), .mapping(let b)):
            guard a.entries.count == b.entries.count else { return false }
            // The keys that are looked up are those of the lighter one.
            let (light, heavy) = a.weight <= b.weight ? (a, b) : (b, a)
            return light.entries.allSatisfy { heavy.value(for: $0.key) == $0.value }
        case (.namespace(let a), .namespace(let b)): return a == b
        default:
            guard let a = left.number, let b = right.number else { return false }
            return a.isEqual(to: b)
        }
    }

    /// Whether Python's `if` takes the value for true.
    package var isTrue: Bool {
        switch self {
        case .undefined, .none: false
        case .bool(let flag): flag
        case .int(let number): number != 0
        case .double(let number): number != 0
        case .string(let text): !text.isEmpty
        case .sequence(let list): !list.elements.isEmpty
        case .mapping(let mapping): !mapping.entries.isEmpty
        case .namespace, .loop, .callable: true
        }
    }

    /// The value as a number; booleans are the integers 0 and 1.
    var number: TemplateNumber? {
        switch self {
        case .bool(let flag): .int(flag ? 1 : 0)
        case .int(let number): .int(number)
        case .double(let number): .double(number)
        default: nil
        }
    }

    /// The value as an integer, if it is one (or a boolean).
    var integer: Int? { if case .int(let value)? = number { value } else { nil } }

    /// Whether `self` comes before `other` in Python's order; nil if they have none.
    func precedes(_ other: TemplateValue) -> Bool? {
        switch (self, other) {
        case (.string(let a), .string(let b)):
            return a.utf8.lexicographicallyPrecedes(b.utf8)
        case (.sequence(let a), .sequence(let b)) where a.isTuple == b.isTuple:
            for (x, y) in zip(a.elements, b.elements) where x != y { return x.precedes(y) }
            return a.elements.count < b.elements.count
        default:
            guard let a = number, let b = other.number else { return nil }
            return a.precedes(b)
        }
    }
}

/// Python's two kinds of number; mixed arithmetic is done in floating point.
enum TemplateNumber {
    case int(Int)
    case double(Double)

    var double: Double {
        switch self {
        case .int(let value): Double(value)
        case .double(let value): value
        }
    }

    func isEqual(to other: TemplateNumber) -> Bool {
        if case .int(let a) = self, case .int(let b) = other {
            a == b
        } else {
            double == other.double
        }
    }

    func precedes(_ other: TemplateNumber) -> Bool {
        if case .int(let a) = self, case .int(let b) = other {
            a < b
        } else {
            double < other.double
        }
    }
}
