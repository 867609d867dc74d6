// SPDX-License-Identifier: Apache-2.0

/// One message of a conversation.
package struct ChatMessage: Sendable, Equatable {
    package var role: String
    package var content: String

    package init(role: String, content: String) {
        self.role = role
        self.content = content
    }
}

/// A model's own template, which turns a conversation into the text of a prompt.
///
/// Rendered as Hugging Face's transformers does: Jinja in the immutable sandbox with
/// `trim_blocks` and `lstrip_blocks`, loop controls, `raise_exception`, `strftime_now` and a
/// `tojson` that escapes nothing for HTML.
package struct ChatTemplate: Sendable {
    private let statements: [TemplateStatement]
    private let beginningText: String
    private let endText: String

    /// Parses `source`; the texts are those of the tokens that begin and end a sequence.
    package init(
        source: String, beginningText: String, endText: String
    ) throws(TemplateError) {
        statements = try TemplateParser.statements(of: source)
        self.beginningText = beginningText
        self.endText = endText
    }

    /// The prompt's text. `variables` add to, or replace, those every template gets (`messages`,
    /// `tools`, `documents`, `add_generation_prompt`, `bos_token`, `eos_token`). Without a `date`
    /// the function `strftime_now` is undefined.
    package func render(
        messages: [ChatMessage], addGenerationPrompt: Bool,
        variables: [String: TemplateValue] = [:], date: TemplateDate? = nil
    ) throws(TemplateError) -> String {
        let conversation = messages.map {
            TemplateValue.dictionary([
                ("role", .string($0.role)), ("content", .string($0.content)),
            ])
        }
        let standard: [(String, TemplateValue)] = [
            ("messages", .list(conversation)), ("tools", .none), ("documents", .none),
            ("add_generation_prompt", .bool(addGenerationPrompt)),
            ("bos_token", .string(beginningText)), ("eos_token", .string(endText)),
        ]
        let evaluator = try TemplateEvaluator(
            variables: standard + variables.map { ($0.key, $0.value) }, date: date)
        try evaluator.run(statements)
        return evaluator.output
    }
}
