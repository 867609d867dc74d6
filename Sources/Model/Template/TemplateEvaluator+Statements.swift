// SPDX-License-Identifier: Apache-2.0

extension TemplateEvaluator {
    @discardableResult
    func run(_ statements: [TemplateStatement]) throws(TemplateError) -> Flow {
        try enter()
        defer { leave() }
        for statement in statements {
            line = statement.line
            try charge()
            let flow = try run(statement)
            if flow != .next { return flow }
        }
        return .next
    }

    private func run(_ statement: TemplateStatement) throws(TemplateError) -> Flow {
        switch statement.kind {
        case .text(let text): try write(text)
        case .output(let expression): try write(try text(of: try evaluate(expression)))
        case .conditional(let branches, let otherwise):
            for branch in branches where try evaluate(branch.condition).isTrue {
                return try run(branch.body)
            }
            return try run(otherwise)
        case .loop(let loop): return try run(loop)
        case .set(let target, let expression): try assign(try evaluate(expression), to: target)
        case .setBlock(let target, let filters, let body):
            try assign(try captured(body, filters: filters), to: target)
        case .macro(let name, let syntax): scope.set(name, define(syntax))
        case .callBlock(let call, let syntax):
            let caller = define(syntax)
            try write(try text(of: try evaluateCall(call, caller: caller)))
        case .filterBlock(let filters, let body):
            try write(try text(of: try captured(body, filters: filters)))
        case .with(let assignments, let body): return try runWith(assignments, body)
        case .breakLoop: return .breakLoop
        case .continueLoop: return .continueLoop
        }
        return .next
    }

    /// All values are evaluated outside before any name is set inside.
    private func runWith(
        _ assignments: [(TemplateTarget, TemplateExpression)], _ body: [TemplateStatement]
    ) throws(TemplateError) -> Flow {
        var values: [TemplateValue] = []
        for (_, expression) in assignments { values.append(try evaluate(expression)) }
        return try inNewScope { () throws(TemplateError) -> Flow in
            for ((target, _), value) in zip(assignments, values) { try assign(value, to: target) }
            return try run(body)
        }
    }

    private func captured(
        _ body: [TemplateStatement], filters: TemplateExpression?
    ) throws(TemplateError) -> TemplateValue {
        let text = try capture { () throws(TemplateError) in
            try inNewScope { () throws(TemplateError) in _ = try run(body) }
        }
        guard let filters else { return .string(text) }
        return try applyFilters(filters, to: .string(text))
    }

    // MARK: - Loops

    private func run(_ loop: TemplateLoopSyntax) throws(TemplateError) -> Flow {
        let all = try elements(of: try evaluate(loop.elements))
        var elements = all
        if let condition = loop.condition {
            elements = []
            for element in all {
                let isKept = try inNewScope { () throws(TemplateError) -> Bool in
                    try assign(element, to: loop.target)
                    return try evaluate(condition).isTrue
                }
                if isKept { elements.append(element) }
            }
        }
        guard !elements.isEmpty else {
            return try inNewScope { () throws(TemplateError) in try run(loop.otherwise) }
        }
        loopCount += 1
        let id = loopCount
        // However soon the loop ends: the sequence looks at all of them.
        try charge(elements.count)
        let sequence = TemplateSequence(elements)
        for index in elements.indices {
            try charge()
            let state = TemplateLoop(id: id, elements: sequence, index: index)
            let flow = try inNewScope { () throws(TemplateError) -> Flow in
                try assign(elements[index], to: loop.target)
                scope.set("loop", .loop(state))
                return try run(loop.body)
            }
            if flow == .breakLoop { break }
        }
        return .next
    }

    /// What a loop or filter over `value` goes through.
    func elements(of value: TemplateValue) throws(TemplateError) -> [TemplateValue] {
        switch value {
        case .sequence(let list): return list.elements
        case .mapping(let mapping):
            try charge(mapping.entries.count)
            return mapping.entries.map(\.key)
        case .string(let text):
            try charge(text.utf8.count)
            return text.unicodeScalars.map { .string(String($0)) }
        case .undefined: return []
        default: throw fail("a value of type '\(value.typeName)' is not iterable")
        }
    }

    // MARK: - Assignment

    func assign(_ value: TemplateValue, to target: TemplateTarget) throws(TemplateError) {
        switch target {
        case .name(let name): scope.set(name, value)
        case .attribute(let name, let attribute):
            guard case .namespace(let index)? = scope.value(name) else {
                throw fail("'\(name)' is no namespace, so its attributes cannot be set")
            }
            guard !attribute.hasPrefix("_") else {
                throw fail("a namespace cannot hold '\(attribute)': it begins with '_'")
            }
            namespaces[index].insert(value, key: .string(attribute))
        case .tuple(let targets):
            try charge(targets.count)
            let parts = try elements(of: value)
            guard parts.count == targets.count else {
                throw fail("cannot unpack \(parts.count) values into \(targets.count) names")
            }
            for (part, target) in zip(parts, targets) { try assign(part, to: target) }
        }
    }
}
