// SPDX-License-Identifier: Apache-2.0

/// What a command takes: its operands and options, from which `--help` is made.
struct Syntax {
    struct Option {
        /// Written with its dashes: `--listen`, `-n`.
        let name: String
        /// What the value is called in the help; nil for a flag.
        let value: String?
        /// Empty where it is not for people: then the help leaves it out.
        private(set) var help: String
        /// May be given several times.
        let isList: Bool
        /// The option without which this one would do nothing.
        private(set) var needed: String?

        init(
            _ name: String, _ value: String? = nil, _ help: String, isList: Bool = false
        ) {
            self.name = name
            self.value = value
            self.help = help
            self.isList = isList
        }

        func needing(_ other: String) -> Option {
            var option = self
            (option.needed, option.help) = (other, "\(help); with \(other)")
            return option
        }
    }

    let name: String
    let summary: String
    var operands: [String] = []
    let options: [Option]
    /// Sentences after the options, one a line.
    var notes: [String] = []

    var help: String {
        let usage = (["caravan", name] + operands + (options.isEmpty ? [] : ["[options]"]))
        let shown = options.filter { !$0.help.isEmpty }
        let names = shown.map { [$0.name, $0.value].compactMap { $0 }.joined(separator: " ") }
        let width = names.map(\.count).max() ?? 0
        let lines = zip(names, shown).map { "  \($0.padded(to: width))  \($1.help)\n" }
        let head = "\(summary)\n\nusage: \(usage.joined(separator: " "))\n"
        let parts = [head, lines.joined(), notes.map { $0 + "\n" }.joined()]
        return parts.filter { !$0.isEmpty }.joined(separator: "\n")
    }
}

/// A command's arguments, checked against its syntax.
struct Options {
    private(set) var operands: [String] = []
    private var values: [String: String] = [:]
    private var lists: [String: [String]] = [:]

    /// Takes `--name value`, `--name=value` and, after `--`, operands only.
    init(_ arguments: [String], _ syntax: Syntax) throws(UsageError) {
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            if argument == "--" {
                operands += rest
                break
            }
            guard argument.hasPrefix("-"), argument.count > 1 else {
                operands.append(argument)
                continue
            }
            try take(argument, &rest, syntax)
        }
        guard operands.count <= syntax.operands.count else {
            throw .unexpectedOperand(operands[syntax.operands.count])
        }
        guard operands.count == syntax.operands.count else {
            throw .missingOperand(syntax.operands[operands.count])
        }
        for option in syntax.options where has(option.name) {
            if let other = option.needed, !has(other) { throw .needsOption(option.name, other) }
        }
    }

    private mutating func take(
        _ argument: String, _ rest: inout ArraySlice<String>, _ syntax: Syntax
    ) throws(UsageError) {
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(parts[0])
        guard argument != "--help", argument != "-h" else { throw .asksForHelp }
        guard let option = syntax.options.first(where: { $0.name == name }) else {
            throw .unknownOption(name)
        }
        let value: String
        if option.value == nil {
            guard parts.count == 1 else { throw .unexpectedValue(name) }
            value = ""
        } else if parts.count == 2 {
            value = String(parts[1])
        } else {
            guard let next = rest.popFirst() else { throw .missingValue(name) }
            value = next
        }
        lists[name, default: []].append(value)
        guard values.updateValue(value, forKey: name) == nil || option.isList else {
            throw .repeatedOption(name)
        }
    }

    func has(_ name: String) -> Bool { values[name] != nil }

    func text(_ name: String) -> String? { values[name] }

    /// All values of an option that may be given several times.
    func list(_ name: String) -> [String] { lists[name] ?? [] }

    func required(_ name: String) throws(UsageError) -> String {
        guard let text = values[name] else { throw .missingOption(name) }
        return text
    }

    /// Throws where `name` is given together with `other`, which says the opposite.
    func check(_ name: String, excludes other: String) throws(UsageError) {
        guard !has(name) || !has(other) else { throw .excludesOption(name, other) }
    }

    func integer(_ name: String, in range: ClosedRange<Int>) throws(UsageError) -> Int? {
        guard let text = values[name] else { return nil }
        guard let value = Int(text), range.contains(value) else {
            let upper = range.upperBound == .max ? "" : " and at most \(range.upperBound)"
            throw .badValue(name, text, "a whole number, at least \(range.lowerBound)\(upper)")
        }
        return value
    }

    /// Whole numbers separated by commas.
    func integers(_ name: String, in range: ClosedRange<Int>) throws(UsageError) -> [Int]? {
        guard let text = values[name] else { return nil }
        let numbers = text.split(separator: ",", omittingEmptySubsequences: false)
            .map { Int($0).flatMap { range.contains($0) ? $0 : nil } }
        let found = numbers.compactMap { $0 }
        guard found.count == numbers.count else {
            let wanted = "whole numbers from \(range.lowerBound) to \(range.upperBound)"
            throw .badValue(name, text, "\(wanted), separated by commas")
        }
        return found
    }

    func number(_ name: String, in range: ClosedRange<Double>) throws(UsageError) -> Double? {
        guard let text = values[name] else { return nil }
        guard let value = Double(text), range.contains(value) else {
            throw .badValue(
                name, text, "a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    func seed(_ name: String) throws(UsageError) -> UInt64? {
        guard let text = values[name] else { return nil }
        guard let value = UInt64(text) else {
            throw .badValue(name, text, "a whole number, at least 0")
        }
        return value
    }

    /// A count of bytes: `4GiB`, `512MiB`, `1.5GB`, `1048576`.
    func byteCount(_ name: String) throws(UsageError) -> Int? {
        guard let text = values[name] else { return nil }
        guard let count = ByteSize.parse(text), count > 0 else {
            throw .badValue(name, text, "a size such as 4GiB, 512MiB or 1.5GB")
        }
        return count
    }
}

/// What is wrong with a command line.
enum UsageError: Error, Equatable, CustomStringConvertible {
    /// Nothing is wrong.
    case asksForHelp
    case unknownCommand(String)
    case unknownOption(String)
    case repeatedOption(String)
    case missingValue(String)
    case unexpectedValue(String)
    case missingOption(String)
    case missingOperand(String)
    case unexpectedOperand(String)
    case badValue(String, String, String)
    case needsOption(String, String)
    case excludesOption(String, String)

    var description: String {
        switch self {
        case .asksForHelp: "help was asked for"
        case .unknownCommand(let name): "there is no command '\(name)'"
        case .unknownOption(let name): "there is no option \(name)"
        case .repeatedOption(let name): "\(name) is given twice"
        case .missingValue(let name): "\(name) needs a value"
        case .unexpectedValue(let name): "\(name) takes no value"
        case .missingOption(let name): "\(name) is required"
        case .missingOperand(let name): "\(name) is missing"
        case .unexpectedOperand(let text): "'\(text)' is one argument too many"
        case .badValue(let name, let text, let wanted): "\(name) is '\(text)'; it takes \(wanted)"
        case .needsOption(let name, let other): "\(name) does nothing without \(other)"
        case .excludesOption(let name, let other): "\(name) and \(other) exclude each other"
        }
    }
}
