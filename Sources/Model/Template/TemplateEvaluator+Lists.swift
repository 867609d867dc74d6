// SPDX-License-Identifier: Apache-2.0

/// The filters over lists and dictionaries.
extension TemplateEvaluator {
    func filterList(
        _ value: TemplateValue, _ filter: TemplateFilter, _ arguments: TemplateArguments
    ) throws(TemplateError) -> TemplateValue {
        switch filter {
        case .length, .count: return .int(try length(of: value))
        case .items:
            if case .undefined = value { return try list([]) }
            guard case .mapping(let mapping) = value else {
                throw fail("'items' needs a dictionary, not a value of type '\(value.typeName)'")
            }
            return try items(of: mapping)
        case .dictsort: return try sortedItems(value, arguments)
        case .reverse:
            if case .string(let text) = value {
                return .string(String(scalars: text.unicodeScalars.reversed()))
            }
        default: break
        }
        let elements = try elements(of: value)
        switch filter {
        case .first: return elements.first ?? .undefined("there is no first item: it is empty")
        case .last: return elements.last ?? .undefined("there is no last item: it is empty")
        case .reverse: return try list(elements.reversed())
        case .join:
            let separator = try text(of: arguments[0, "d"] ?? .string(""))
            let values = try attributes(of: elements, path: arguments[1, "attribute"])
            return .string(try joined(values, separator: separator))
        case .sum:
            var total = arguments[1, "start"] ?? .int(0)
            for element in try attributes(of: elements, path: arguments[0, "attribute"]) {
                total = try arithmetic(.add, total, element)
            }
            return total
        case .batch: return try batches(of: elements, arguments)
        default: return try list(elements)
        }
    }

    private func length(of value: TemplateValue) throws(TemplateError) -> Int {
        switch value {
        case .string(let text): return text.unicodeScalars.count
        case .sequence(let list): return list.elements.count
        case .mapping(let mapping): return mapping.entries.count
        case .undefined: return 0
        default: throw fail("a value of type '\(value.typeName)' has no length")
        }
    }

    private func batches(
        of elements: [TemplateValue], _ arguments: TemplateArguments
    ) throws(TemplateError) -> TemplateValue {
        guard let size = arguments.integer(0, "linecount"), size > 0 else {
            throw fail("'batch' needs a positive size")
        }
        var batches: [TemplateValue] = []
        var rest = elements[...]
        while !rest.isEmpty {
            var batch = Array(rest.prefix(size))
            rest = rest.dropFirst(size)
            if let filler = arguments[1, "fill_with"], batch.count < size {
                try charge(size)
                let missing = min(size - batch.count, TemplateLimits.valueElementCountMax + 1)
                batch += repeatElement(filler, count: missing)
            }
            batches.append(try list(batch))
        }
        return try list(batches)
    }

    // MARK: - Attributes

    /// Follows a path such as `function.name` or an integer index, as `map(attribute=…)` does.
    func value(
        at path: TemplateValue, of value: TemplateValue, standard: TemplateValue? = nil
    ) throws(TemplateError)
        -> TemplateValue
    {
        guard case .string(let text) = path else {
            let found = try element(path, of: value)
            return found.isUndefined ? standard ?? found : found
        }
        var value = value
        for part in text.split(separator: ".", omittingEmptySubsequences: false) {
            try charge()
            let key = Int(part).map { TemplateValue.int($0) } ?? .string(String(part))
            value = try element(key, of: value)
            if value.isUndefined, let standard { value = standard }
        }
        return value
    }

    private func attributes(
        of elements: [TemplateValue], path: TemplateValue?, standard: TemplateValue? = nil
    ) throws(TemplateError) -> [TemplateValue] {
        guard let path, path != .none else { return elements }
        var values: [TemplateValue] = []
        for element in elements {
            values.append(try value(at: path, of: element, standard: standard))
        }
        return values
    }

    // MARK: - Each element

    func filterEach(
        _ value: TemplateValue, _ filter: TemplateFilter, _ arguments: TemplateArguments
    ) throws(TemplateError) -> TemplateValue {
        // Jinja looks into nothing that counts as false, such as `none`.
        let elements = value.isTrue ? try elements(of: value) : []
        if filter == .map { return try list(try mapped(elements, arguments)) }
        let isKept = filter == .select || filter == .selectattr
        let usesAttribute = filter == .selectattr || filter == .rejectattr
        var rest = arguments
        var path: TemplateValue?
        if usesAttribute {
            guard let first = arguments.positional.first else {
                throw fail("'\(filter.rawValue)' needs the name of an attribute")
            }
            path = first
            rest = rest.droppingFirst()
        }
        let name = rest.text(0, "name")
        rest = rest.droppingFirst()
        var kept: [TemplateValue] = []
        for element in elements {
            try charge()
            let subject =
                try path.map { path throws(TemplateError) in
                    try self.value(at: path, of: element)
                } ?? element
            let answer =
                try name.map { name throws(TemplateError) in
                    try test(subject, name, rest)
                } ?? subject.isTrue
            if answer == isKept { kept.append(element) }
        }
        return try list(kept)
    }

    private func mapped(
        _ elements: [TemplateValue], _ arguments: TemplateArguments
    ) throws(TemplateError) -> [TemplateValue] {
        guard let name = arguments.text(0, "filter") else {
            guard let path = arguments["attribute"] else {
                throw fail("'map' needs a filter or an attribute")
            }
            return try attributes(of: elements, path: path, standard: arguments["default"])
        }
        let rest = arguments.droppingFirst()
        var values: [TemplateValue] = []
        try enter()
        defer { leave() }
        for element in elements { values.append(try filter(element, name, rest)) }
        return values
    }

    // MARK: - Order

    func filterOrder(
        _ value: TemplateValue, _ filter: TemplateFilter, _ arguments: TemplateArguments
    ) throws(TemplateError) -> TemplateValue {
        let elements = try elements(of: value)
        let isSort = filter == .sort
        let ignoresCase = !arguments.isTrue(isSort ? 1 : 0, "case_sensitive")
        let path = arguments[isSort ? 2 : 1, "attribute"]
        var keys = try attributes(of: elements, path: path)
        // A namespace's attributes are not in the weight of a list of namespaces.
        for key in keys { try charge(key.weight) }
        if ignoresCase { keys = keys.map(\.ignoringCase) }
        switch filter {
        case .unique: return try list(try unique(elements, keys: keys))
        case .sort:
            let order = try sortedIndices(keys, isReversed: arguments.isTrue(0, "reverse"))
            return try list(order.map { elements[$0] })
        default:
            guard !elements.isEmpty else { return .undefined("the list is empty") }
            var best = 0
            for index in elements.indices.dropFirst() {
                let isBetter =
                    filter == .min
                    ? try precedes(keys[index], keys[best]) : try precedes(keys[best], keys[index])
                if isBetter { best = index }
            }
            return elements[best]
        }
    }

    private func unique(
        _ elements: [TemplateValue], keys: [TemplateValue]
    ) throws(TemplateError) -> [TemplateValue] {
        var seen: Set<TemplateKey> = []
        var kept: [TemplateValue] = []
        for (element, key) in zip(elements, keys) {
            guard let key = TemplateKey(key) else {
                throw fail("'unique' needs texts or numbers, not '\(key.typeName)'")
            }
            if seen.insert(key).inserted { kept.append(element) }
        }
        return kept
    }

    private func sortedItems(
        _ value: TemplateValue, _ arguments: TemplateArguments
    ) throws(TemplateError) -> TemplateValue {
        guard case .mapping(let mapping) = value else {
            try checkDefined(value)
            throw fail("'dictsort' needs a dictionary, not a value of type '\(value.typeName)'")
        }
        let byValue = arguments.text(1, "by") == "value"
        var keys = byValue ? mapping.entries.map(\.value) : mapping.entries.map(\.key)
        if !arguments.isTrue(0, "case_sensitive") { keys = keys.map(\.ignoringCase) }
        let order = try sortedIndices(keys, isReversed: arguments.isTrue(2, "reverse"))
        return try list(
            order.map { .tuple([mapping.entries[$0].key, mapping.entries[$0].value]) })
    }

    /// A stable merge sort, since an order may turn out not to exist midway.
    private func sortedIndices(
        _ keys: [TemplateValue], isReversed: Bool
    ) throws(TemplateError) -> [Int] {
        var source = Array(keys.indices)
        var width = 1
        while width < source.count {
            var merged: [Int] = []
            merged.reserveCapacity(source.count)
            var start = 0
            while start < source.count {
                let middle = min(start + width, source.count)
                let end = min(middle + width, source.count)
                var left = start
                var right = middle
                while left < middle, right < end {
                    let (a, b) = (keys[source[left]], keys[source[right]])
                    let takesRight = isReversed ? try precedes(a, b) : try precedes(b, a)
                    merged.append(source[takesRight ? right : left])
                    if takesRight { right += 1 } else { left += 1 }
                }
                merged += source[left..<middle] + source[right..<end]
                start = end
            }
            source = merged
            width *= 2
        }
        return source
    }
}

extension TemplateValue {
    fileprivate var ignoringCase: TemplateValue {
        if case .string(let text) = self { .string(text.lowercased()) } else { self }
    }
}
