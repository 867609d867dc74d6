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
    /// Whether a system message is refused or left out.
    private var lacksSystemRole = false

    /// Parses `source`; the texts are those of the tokens that begin and end a sequence.
    ///
    /// Then it tries how the template takes what a message says. Some, like those of Llama Guard 3
    /// 1B and SmolVLM, go through the parts of type `text` only, so that a plain text would be lost
    /// without a word. One that refuses the trial gets plain texts. Others, like those of Mistral
    /// 7B Instruct v0.1 and v0.2, have no place for a system message.
    package init(
        source: String, beginningText: String, endText: String
    ) throws(TemplateError) {
        statements = try TemplateParser.statements(of: source)
        self.beginningText = beginningText
        self.endText = endText
        let user = ChatMessage(role: "user", content: "what-the-user-says")
        let system = ChatMessage(role: "system", content: "what-the-system-says")
        takesPartsOnly =
            shows(user, in: [user], asParts: false) == false
            && shows(user, in: [user], asParts: true) == true
        lacksSystemRole =
            shows(user, in: [user], asParts: takesPartsOnly) == true
            && shows(system, in: [system, user], asParts: takesPartsOnly) != true
    }

    /// Whether what `message` says is seen in the prompt; nil where the template refuses it.
    private func shows(
        _ message: ChatMessage, in messages: [ChatMessage], asParts: Bool
    ) -> Bool? {
        let prompt = try? render(
            messages: messages, asParts: asParts, addGenerationPrompt: true, variables: [:],
            date: TemplateDate(year: 2000, month: 1, day: 1))
        return prompt.map { !$0.occurrences(of: message.content, countMax: 1).isEmpty }
    }

    /// The prompt's text. `variables` add to, or replace, those every template gets (`messages`,
    /// `tools`, `documents`, `add_generation_prompt`, `bos_token`, `eos_token`). Without a `date`
    /// the function `strftime_now` is undefined. Where the template has no place for a system
    /// message, the first message's text goes in front of the first user's.
    package func render(
        messages: [ChatMessage], addGenerationPrompt: Bool,
        variables: [String: TemplateValue] = [:], date: TemplateDate? = nil
    ) throws(TemplateError) -> String {
        try render(
            messages: lacksSystemRole ? withoutSystemRole(messages) : messages,
            asParts: takesPartsOnly, addGenerationPrompt: addGenerationPrompt,
            variables: variables, date: date)
    }

    private func withoutSystemRole(_ messages: [ChatMessage]) -> [ChatMessage] {
        guard let system = messages.first, system.role == "system",
            let first = messages.firstIndex(where: { $0.role == "user" })
        else { return messages }
        var messages = messages
        if !system.content.isEmpty {
            messages[first].content = "\(system.content)\n\n\(messages[first].content)"
        }
        messages.removeFirst()
        return messages
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
