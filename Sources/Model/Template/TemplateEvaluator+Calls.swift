// SPDX-License-Identifier: Apache-2.0

extension TemplateEvaluator {
    func evaluate(_ list: TemplateArgumentList) throws(TemplateError) -> TemplateArguments {
        var arguments = TemplateArguments(positional: try evaluateAll(list.positional))
        for (name, expression) in list.named {
            try charge(arguments.named.count)
            guard arguments[name] == nil else { throw fail("'\(name)' is given twice") }
            arguments.named.append((name, try evaluate(expression)))
        }
        return arguments
    }

    /// `expression` is a call; `caller` is the block of a `call` statement.
    func evaluateCall(
        _ expression: TemplateExpression, caller: TemplateValue?
    ) throws(TemplateError) -> TemplateValue {
        guard case .call(let callee, let list) = expression.kind else {
            return try evaluate(expression)
        }
        let function = try evaluate(callee)
        let arguments = try evaluate(list)
        line = expression.line
        try checkDefined(function)
        guard case .callable(let callable) = function else {
            throw fail("a value of type '\(function.typeName)' cannot be called")
        }
        switch callable {
        case .function(let function): return try call(function, arguments)
        case .macro(let index): return try callMacro(macros[index], arguments, caller: caller)
        case .method(let receiver, let method): return try call(method, on: receiver, arguments)
        case .forbidden(let receiver, let name):
            throw fail("'\(name)' would change a \(receiver.typeName), which templates may not")
        }
    }

    // MARK: - Functions

    private func call(
        _ function: TemplateFunction, _ arguments: TemplateArguments
    ) throws(TemplateError) -> TemplateValue {
        switch function {
        case .range: return try range(arguments)
        case .dict: return .mapping(try mapping(arguments))
        case .namespace:
            let attributes = try mapping(arguments)
            for entry in attributes.entries where entry.key.text.hasPrefix("_") {
                throw fail("a namespace cannot hold '\(entry.key.text)': it begins with '_'")
            }
            namespaces.append(attributes)
            return .namespace(namespaces.count - 1)
        case .raiseException:
            throw .raised(try arguments[0, "message"].map(text(of:)) ?? "")
        case .strftimeNow:
            guard let date, let format = arguments.text(0, "format") else {
                throw fail("strftime_now needs a format")
            }
            return try string(date.formatted(format))
        }
    }

    private func range(_ arguments: TemplateArguments) throws(TemplateError) -> TemplateValue {
        let bounds = arguments.positional.compactMap(\.integer)
        guard bounds.count == arguments.positional.count, (1...3).contains(bounds.count),
            arguments.named.isEmpty
        else { throw fail("range needs one to three integers") }
        let start = bounds.count == 1 ? 0 : bounds[0]
        let end = bounds.count == 1 ? bounds[0] : bounds[1]
        let step = bounds.count == 3 ? bounds[2] : 1
        guard step != 0 else { throw fail("range cannot have step 0") }
        let limit = TemplateLimits.rangeCountMax
        var elements: [TemplateValue] = []
        var number = start
        while step > 0 ? number < end : number > end {
            guard elements.count < limit else {
                throw .limitExceeded(line: line, what: "elements of a range", limit: limit)
            }
            elements.append(.int(number))
            let (next, overflow) = number.addingReportingOverflow(step)
            if overflow { break }
            number = next
        }
        return try list(elements)
    }

    /// `dict(mapping or pairs, name=value, …)`
    private func mapping(_ arguments: TemplateArguments) throws(TemplateError) -> TemplateMapping {
        var result = TemplateMapping()
        if let first = arguments.positional.first {
            if case .mapping(let mapping) = first {
                result = mapping
            } else {
                for pair in try elements(of: first) {
                    let parts = try elements(of: pair)
                    try charge(parts.first?.weight ?? 0)
                    guard parts.count == 2, result.insert(parts[1], key: parts[0]) else {
                        throw fail("a dictionary is made of pairs of a key and a value")
                    }
                }
            }
        }
        try charge(result.entries.count)
        for (name, value) in arguments.named { result.insert(value, key: .string(name)) }
        _ = try checked(.mapping(result))
        return result
    }

    // MARK: - Macros

    func define(_ syntax: TemplateMacroSyntax) -> TemplateValue {
        macros.append(Macro(syntax: syntax, scope: scope))
        return .callable(.macro(macros.count - 1))
    }

    private func callMacro(
        _ macro: Macro, _ arguments: TemplateArguments, caller: TemplateValue?
    ) throws(TemplateError) -> TemplateValue {
        let syntax = macro.syntax
        try charge(syntax.parameters.count * (1 + arguments.named.count))
        guard arguments.positional.count <= syntax.parameters.count else {
            throw fail("macro '\(syntax.name)' takes at most \(syntax.parameters.count) arguments")
        }
        let known = Set(syntax.parameters.map(\.name))
        if let unknown = arguments.named.first(where: { !known.contains($0.name) }) {
            throw fail("macro '\(syntax.name)' has no parameter '\(unknown.name)'")
        }
        let callLine = line
        let text = try capture { () throws(TemplateError) in
            try inNewScope(of: macro.scope) { () throws(TemplateError) in
                if let caller { scope.set("caller", caller) }
                try bind(syntax.parameters, arguments)
                _ = try run(syntax.body)
            }
        }
        line = callLine
        return .string(text)
    }

    private func bind(
        _ parameters: [(name: String, standard: TemplateExpression?)],
        _ arguments: TemplateArguments
    ) throws(TemplateError) {
        for (index, parameter) in parameters.enumerated() {
            if let value = arguments[index, parameter.name] {
                scope.set(parameter.name, value)
            } else if let standard = parameter.standard {
                scope.set(parameter.name, try evaluate(standard))
            } else {
                let reason = "parameter '\(parameter.name)' was not provided"
                scope.set(parameter.name, .undefined(reason))
            }
        }
    }
}
