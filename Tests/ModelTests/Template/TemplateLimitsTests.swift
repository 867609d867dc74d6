// SPDX-License-Identifier: Apache-2.0

import Model
import Testing

/// Templates come from files nobody trusts: each of these must end in an error, soon.
@Suite struct TemplateLimitsTests {
    @Test(arguments: [
        "{{ range(10**9) | length }}",
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{{ 'a' * 10**12 }}",
        "{{ [1] * 10**12 }}",
        "{% set ns = namespace(x='ab') %}{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}"
            + "{% endfor %}",
        "{% set n = namespace(x=[]) %}{% for i in range(999) %}{% set n.x = [n.x] %}{% endfor %}",
        "{% set ns = namespace(x=[1]) %}{% for i in range(50) %}{% set ns.x = [ns.x, ns.x] %}"
            + "{% endfor %}{{ ns.x }}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% macro f() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}",
        "{{ ('a' * 1000000).replace('', 'b' * 1000000) }}",
        "{{ ('a\n' * 1000000) | indent('b' * 1000000) }}",
        "{{ (range(9999) | list) | join('b' * 1000000) }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ range(9999) | list | tojson(indent=999999) }}",
        "{% for i in range(99999) %}{{ 'x' * 1000 }}{% endfor %}",
        "{{ 2 ** 64 }}", "{{ 9223372036854775807 + 1 }}", "{{ -9223372036854775807 - 2 }}",
        "{{ 99999999999999999999 }}", "{{ 1e300 | int }}{{ 2 ** 99 }}",
        "{% set x = 'a'.zfill(-9223372036854775807) %}{% for a in range(99999) %}"
            + "{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{{ [1] | batch(10**18, 0) }}", "{{ 'x' | center(10**18) }}", "{{ 'x'.zfill(10**18) }}",
    ])
    func greedyTemplateFails(_ source: String) {
        #expect(throws: TemplateError.self) { try outcome(of: source, variables: [:]).get() }
    }

    /// Each looks at megabytes or 99,999 elements, however little comes of it.
    @Test(arguments: [
        "t is lower", "t is upper", "t is sameas u", "l is filter", "l is test",
        "{}[t]", "t in {}", "{}.get(t)", "{t: 1}", "dict([(t, 1)])",
        "'x'.strip(t)", "'x' | trim(t)", "'x'.rfind(t)", "'x'.startswith(p)",
        "f % 1", "'' | indent(4000000)", "1 | tojson(indent=4000000)",
        "[n, n] | max(attribute='x')",
    ])
    func everyLookIsPaidFor(_ expression: String) throws {
        func source(_ expression: String) -> String {
            "{% set n = namespace(x=t) %}" + spending
                + "{% for i in range(5) %}{% set x = \(expression) %}{% endfor %}"
        }
        expectTooManySteps(source(expression), Self.large)
        #expect(try outcome(of: source("0"), variables: Self.large).get() == "")
    }

    private static let large: [String: TemplateValue] = {
        let (text, same) = (
            String(repeating: "a", count: 1 << 21), String(repeating: "a", count: 1 << 21)
        )
        return [
            "t": .string(text), "u": .string(same),
            "f": .string("%" + String(repeating: " ", count: 1 << 21) + "d"),
            "l": .list([TemplateValue](repeating: .none, count: 99_999)),
            "p": .tuple([TemplateValue](repeating: .string("b"), count: 99_999)),
        ]
    }()

    /// By their places: the sources would fill the test's output.
    @Test(arguments: longSources.indices) func everyElementIsPaidFor(_ index: Int) {
        expectTooManySteps(spending + Self.longSources[index], Self.large)
    }

    private static let longSources = [
        "{% for i in range(5) %}{% for j in l %}{% break %}{% endfor %}{% endfor %}",
        "{{ dict(" + list(1_000) { "a\($0)=1" } + ") }}",
        "{% macro f(" + list(40_000) { "a\($0)" } + ") %}{% endmacro %}"
            + "{% for i in range(12) %}{{ f() }}{% endfor %}",
        "{% set l = range(40000) %}"
            + "{% for i in range(12) %}{% set " + list(40_000) { "a\($0)" } + " = l %}{% endfor %}",
    ]

    /// Takes all but some 400,000 of the steps there are, and hardly any time.
    private let spending = "{% for i in range(35) %}{% set x = t is sameas 1 %}{% endfor %}"

    private static func list(_ count: Int, _ element: (Int) -> String) -> String {
        (0..<count).map(element).joined(separator: ", ")
    }

    private func expectTooManySteps(
        _ source: String, _ variables: [String: TemplateValue],
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let error = #expect(throws: TemplateError.self, sourceLocation: sourceLocation) {
            try outcome(of: source, variables: variables).get()
        }
        guard case .limitExceeded(_, "steps", _)? = error else {
            Issue.record("\(error as Any)", sourceLocation: sourceLocation)
            return
        }
    }

    @Test func aLongNameFails() {
        let source = "{{ " + String(repeating: "a", count: 256) + " }}"
        #expect(throws: TemplateError.self) { try outcome(of: source, variables: [:]).get() }
    }

    /// They add nothing to a text, as in Python, and give no steps back.
    @Test func negativeWidthsAreNone() throws {
        let source =
            "{{ 'ab'.zfill(-9223372036854775807) ~ ('x' | center(-9223372036854775807 - 1)) }}"
        #expect(try outcome(of: source, variables: [:]).get() == "abx")
    }

    @Test(arguments: ["(", "[", "{", "not ", "-", "a.b|f(", "1 + ", "1 if 1 else "])
    func deepExpressionFails(_ part: String) {
        let source = "{{ " + String(repeating: part, count: 20_000) + "1 }}"
        #expect(throws: TemplateError.self) { try outcome(of: source, variables: [:]).get() }
    }

    @Test(arguments: [
        "{% if 1 %}", "{% for a in b %}", "{% macro f() %}", "{% set x %}", "{% filter upper %}",
    ])
    func deepStatementsFail(_ part: String) {
        let source = String(repeating: part, count: 20_000)
        #expect(throws: TemplateError.self) { try outcome(of: source, variables: [:]).get() }
    }

    @Test func longChainFails() {
        let source = "{{ 1" + String(repeating: " + 1 * 2|abs", count: 20_000) + " }}"
        #expect(throws: TemplateError.self) { try outcome(of: source, variables: [:]).get() }
    }

    @Test func longSourceFails() {
        let source = String(repeating: "x", count: TemplateLimits.sourceByteCountMax + 1)
        #expect(throws: TemplateError.self) { try outcome(of: source, variables: [:]).get() }
    }

    @Test func deepVariableFails() {
        var value = TemplateValue.none
        for _ in 0...TemplateLimits.valueDepthMax { value = .list([value]) }
        #expect(throws: TemplateError.self) {
            try outcome(of: "{{ x }}", variables: ["x": value]).get()
        }
    }

    @Test func longConversationFits() throws {
        let text = String(repeating: "lorem ipsum ", count: 100)
        let template = try ChatTemplate(
            source:
                "{% for m in messages %}{{ '<' + m.role + '>' + m.content | trim }}"
                + "{% if loop.index > messages | length or (messages | last).role == '' %}?"
                + "{% endif %}{% endfor %}",
            beginningText: "", endText: "")
        let messages = (0..<1000).map { _ in ChatMessage(role: "user", content: text) }
        let prompt = try template.render(messages: messages, addGenerationPrompt: true)
        #expect(prompt.utf8.count == 1000 * (6 + text.utf8.count - 1))
    }
}
