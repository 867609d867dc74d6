// SPDX-License-Identifier: Apache-2.0

/// Attributes, elements and slices.
extension TemplateEvaluator {
    /// `value.name`: a method or attribute first, then an element of that name.
    func attribute(
        _ name: String, of value: TemplateValue
    ) throws(TemplateError) -> TemplateValue {
        try checkDefined(value)
        if let found = member(name, of: value) { return found }
        if case .mapping(let mapping) = value, let element = mapping[name] { return element }
        return .undefined("'\(value.typeName) object' has no attribute '\(name)'")
    }

    /// `value[key]`: an element first, then an attribute of that name.
    func element(
        _ key: TemplateValue, of value: TemplateValue
    ) throws(TemplateError) -> TemplateValue {
        try checkDefined(value)
        try charge(key.weight)
        switch value {
        case .mapping(let mapping):
            if let element = mapping.value(for: key) { return element }
        case .sequence(let list):
            if let index = key.integer, let offset = offset(index, count: list.elements.count) {
                return list.elements[offset]
            }
        case .string(let text):
            if let index = key.integer {
                try charge(text.utf8.count / 16)
                let scalars = text.unicodeScalars
                if let offset = offset(index, count: scalars.count) {
                    return .string(
                        String(scalars[scalars.index(scalars.startIndex, offsetBy: offset)]))
                }
            }
        default: break
        }
        if case .string(let name) = key, let found = member(name, of: value) { return found }
        return .undefined("'\(value.typeName) object' has no element \(key.shortRepresentation)")
    }

    private func offset(_ index: Int, count: Int) -> Int? {
        let offset = index < 0 ? index + count : index
        return (0..<count).contains(offset) ? offset : nil
    }

    /// What Python's `getattr` would find.
    private func member(_ name: String, of value: TemplateValue) -> TemplateValue? {
        switch value {
        case .namespace(let index): return namespaces[index][name]
        case .loop(let loop):
            if let found = loop.attribute(name) { return found }
        case .callable(.macro(let index)) where name == "name":
            return .string(macros[index].syntax.name)
        default: break
        }
        return TemplateMethod.bound(name, to: value).map { .callable($0) }
    }

    // MARK: - Slices

    func evaluateSlice(
        of expression: TemplateExpression, _ slice: TemplateSlice
    ) throws(TemplateError) -> TemplateValue {
        let value = try evaluate(expression)
        let start = try bound(slice.start)
        let stop = try bound(slice.stop)
        let step = try bound(slice.step) ?? 1
        try checkDefined(value)
        guard step != 0 else { throw fail("a slice cannot have step 0") }
        switch value {
        case .sequence(let sequence):
            let indices = sliceIndices(start, stop, step, count: sequence.elements.count)
            return try list(indices.map { sequence.elements[$0] }, isTuple: sequence.isTuple)
        case .string(let text):
            try charge(text.utf8.count / 16)
            let scalars = Array(text.unicodeScalars)
            let indices = sliceIndices(start, stop, step, count: scalars.count)
            return try string(String(scalars: indices.map { scalars[$0] }))
        default: throw fail("a value of type '\(value.typeName)' cannot be sliced")
        }
    }

    private func bound(_ expression: TemplateExpression?) throws(TemplateError) -> Int? {
        guard let expression else { return nil }
        let value = try evaluate(expression)
        if case .none = value { return nil }
        try checkDefined(value)
        guard let index = value.integer else {
            throw fail("a slice needs integers, not a value of type '\(value.typeName)'")
        }
        return index
    }

    /// Python's rules for a slice: negative bounds count from the end, and all are clamped.
    private func sliceIndices(_ start: Int?, _ stop: Int?, _ step: Int, count: Int) -> [Int] {
        let lowest = step > 0 ? 0 : -1
        let highest = step > 0 ? count : count - 1
        func clamped(_ bound: Int) -> Int {
            min(max(bound < 0 ? bound + count : bound, lowest), highest)
        }
        let first = start.map(clamped) ?? (step > 0 ? lowest : highest)
        let end = stop.map(clamped) ?? (step > 0 ? highest : lowest)
        let stride = min(max(step, -count - 1), count + 1)
        return Array(Swift.stride(from: first, to: end, by: stride))
    }
}

extension TemplateValue {
    /// For messages: the value if it is short, else its type.
    var shortRepresentation: String {
        switch self {
        case .string(let text) where text.utf8.count <= 40: representation
        case .int: representation
        default: "of type '\(typeName)'"
        }
    }
}

extension TemplateLoop {
    func attribute(_ name: String) -> TemplateValue? {
        let count = elements.elements.count
        switch name {
        case "index": return .int(index + 1)
        case "index0": return .int(index)
        case "revindex": return .int(count - index)
        case "revindex0": return .int(count - index - 1)
        case "first": return .bool(index == 0)
        case "last": return .bool(index == count - 1)
        case "length": return .int(count)
        // These count recursive calls of a loop, which are not supported.
        case "depth": return .int(1)
        case "depth0": return .int(0)
        case "previtem":
            return index > 0
                ? elements.elements[index - 1] : .undefined("there is no previous item")
        case "nextitem":
            return index + 1 < count
                ? elements.elements[index + 1] : .undefined("there is no next item")
        default: return nil
        }
    }
}
