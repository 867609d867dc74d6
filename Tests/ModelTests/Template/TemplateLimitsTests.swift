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
