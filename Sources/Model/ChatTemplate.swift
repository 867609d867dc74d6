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
    /// Whether messages are shown only where their contents are lists of parts with a type.
    private var takesPartsOnly = false

    /// Parses `source`; the texts are those of the tokens that begin and end a sequence.
    ///
    /// Then it tries how the template takes what a message says. Some, like those of Llama Guard 3
    /// 1B and SmolVLM, go through the parts of type `text` only, so that a plain text would be lost
    /// without a word. One that refuses the trial gets plain texts.
    package init(
        source: String, beginningText: String, endText: String
    ) throws(TemplateError) {
        statements = try TemplateParser.statements(of: source)
        self.beginningText = beginningText
        self.endText = endText
        takesPartsOnly = showsText(asParts: false) == false && showsText(asParts: true) == true
    }

    /// Whether a user's message is seen in the prompt; nil where the template refuses it.
    private func showsText(asParts: Bool) -> Bool? {
        let text = "what-the-user-says"
        let prompt = try? render(
            messages: [ChatMessage(role: "user", content: text)], asParts: asParts,
            addGenerationPrompt: true, variables: [:],
            date: TemplateDate(year: 2000, month: 1, day: 1))
        return prompt.map { !$0.occurrences(of: text, countMax: 1).isEmpty }
    }

    /// The prompt's text. `variables` add to, or replace, those every template gets (`messages`,
    /// `tools`, `documents`, `add_generation_prompt`, `bos_token`, `eos_token`). Without a `date`
    /// the function `strftime_now` is undefined.
    package func render(
        messages: [ChatMessage], addGenerationPrompt: Bool,
        variables: [String: TemplateValue] = [:], date: TemplateDate? = nil
    ) throws(TemplateError) -> String {
        try render(
            messages: messages, asParts: takesPartsOnly, addGenerationPrompt: addGenerationPrompt,
            variables: variables, date: date)
    }

    private func render(
        messages: [ChatMessage], asParts: Bool, addGenerationPrompt: Bool,
        variables: [String: TemplateValue], date: TemplateDate?
    ) throws(TemplateError) -> String {
        let conversation = messages.map { message in
            let text = TemplateValue.string(message.content)
            let part = TemplateValue.dictionary([("type", .string("text")), ("text", text)])
            return TemplateValue.dictionary([
                ("role", .string(message.role)), ("content", asParts ? .list([part]) : text),
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
