// SPDX-License-Identifier: Apache-2.0

/// The values given to a function, method, macro, filter or test.
struct TemplateArguments {
    var positional: [TemplateValue] = []
    var named: [(name: String, value: TemplateValue)] = []

    /// The argument at `index`, or the one called `name`.
    subscript(index: Int, name: String) -> TemplateValue? {
        index < positional.count ? positional[index] : self[name]
    }

    subscript(name: String) -> TemplateValue? { named.first { $0.name == name }?.value }

    func isTrue(_ index: Int, _ name: String, standard: Bool = false) -> Bool {
        self[index, name]?.isTrue ?? standard
    }

    func integer(_ index: Int, _ name: String) -> Int? { self[index, name]?.integer }

    /// Nil if the argument is absent or no text.
    func text(_ index: Int, _ name: String) -> String? {
        if case .string(let text)? = self[index, name] { text } else { nil }
    }

    /// What looking through all of them takes, as of a value.
    var weight: Int {
        let total = positional.reduce(0) { saturatingSum($0, $1.weight) }
        return named.reduce(total) { saturatingSum($0, $1.value.weight) }
    }

    func droppingFirst() -> TemplateArguments {
        TemplateArguments(positional: Array(positional.dropFirst()), named: named)
    }
}
