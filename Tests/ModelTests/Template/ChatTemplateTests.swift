// SPDX-License-Identifier: Apache-2.0

import Foundation
import Model
import Testing

@Suite struct ChatTemplateTests {
    @Test func featuresRenderAsInPython() throws {
        let fixtures = try TemplateFixtures.load()
        #expect(fixtures.features.count >= 150)
        let variables = fixtures.variables.variables
        for feature in fixtures.features {
            let result = outcome(of: feature.template, variables: variables)
            let difference = feature.expected.difference(from: result)
            #expect(difference == nil, "\(feature.template)")
        }
    }

    @Test func wholeTemplatesRenderAsInPython() throws {
        let fixtures = try TemplateFixtures.load()
        #expect(fixtures.chats.count >= 12)
        for chat in fixtures.chats {
            for (name, expected) in chat.expected {
                let variables = try #require(fixtures.conversations[name]).variables
                let result = outcome(of: chat.template, variables: variables)
                #expect(expected.difference(from: result) == nil, "\(chat.name) \(name)")
            }
        }
    }

    /// Some templates would lose a plain text without a word: these get it as a part.
    @Test func textsAreSeenByEveryTemplate() throws {
        let fixtures = try TemplateFixtures.load()
        #expect(fixtures.parts.count >= 2)
        for chat in fixtures.chats + fixtures.parts {
            for (name, expected) in chat.expected {
                let conversation = try #require(fixtures.conversations[name])
                guard let messages = conversation.plainMessages else { continue }
                // Then the user says what the system would have said.
                if messages.first?.role == "system", expected.raised != nil { continue }
                let others = conversation.variables.filter { $0.key != "messages" }
                let result = outcome(of: chat.template, messages: messages, variables: others)
                #expect(expected.difference(from: result) == nil, "\(chat.name) \(name)")
            }
        }
    }

    @Test func aTemplateThatRefusesTheTrialGetsTexts() throws {
        let template = try ChatTemplate(
            source:
                "{% if messages[0].role != 'system' %}{{ raise_exception('Say who I am') }}"
                + "{% endif %}{% for m in messages %}<{{ m.content }}>{% endfor %}",
            beginningText: "", endText: "")
        let messages = [
            ChatMessage(role: "system", content: "a"), ChatMessage(role: "user", content: "b"),
        ]
        #expect(try template.render(messages: messages, addGenerationPrompt: true) == "<a><b>")
    }

    private static let eachMessage = "[{{ m.role }}: {{ m.content }}]{% endfor %}"

    /// Like those of Mistral 7B Instruct, which raises, and others, which skip the message.
    @Test(arguments: [
        "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
            + "{{ raise_exception('Roles must alternate') }}{% endif %}" + eachMessage,
        "{% for m in messages if m.role != 'system' %}" + eachMessage,
    ])
    func systemTextGoesToTheUserWhereItHasNoPlace(source: String) throws {
        let template = try ChatTemplate(source: source, beginningText: "", endText: "")
        func render(_ messages: [(String, String)]) throws -> String {
            try template.render(
                messages: messages.map { ChatMessage(role: $0.0, content: $0.1) },
                addGenerationPrompt: true)
        }
        let talk = [("user", "b"), ("assistant", "c"), ("user", "d")]
        #expect(
            try render([("system", "a")] + talk)
                == "[user: a\n\nb][assistant: c][user: d]")
        #expect(try render([("system", "")] + talk) == "[user: b][assistant: c][user: d]")
        #expect(try render(talk) == "[user: b][assistant: c][user: d]")
    }

    @Test func systemMessagesAreLeftToTemplatesThatTakeThem() throws {
        let template = try ChatTemplate(
            source: "{% for m in messages %}" + Self.eachMessage, beginningText: "", endText: "")
        let messages = [
            ChatMessage(role: "system", content: "a"), ChatMessage(role: "user", content: "b"),
        ]
        #expect(
            try template.render(messages: messages, addGenerationPrompt: true)
                == "[system: a][user: b]")
    }

    private struct Conversation: Decodable {
        struct Message: Decodable {
            let role: String
            let content: String
        }
        let messages: [Message]
        let rendered: String
    }

    @Test func realModelsPromptsAreExact() throws {
        let data = try TemplateFixtures.data("smollm2-chats.json")
        let conversations = try JSONDecoder().decode([Conversation].self, from: data)
        #expect(conversations.count == 2)
        let source = try TemplateFixtures.data("inputs/chats/smollm2.jinja")
        let template = try ChatTemplate(
            source: String(decoding: source, as: UTF8.self), beginningText: "<|im_start|>",
            endText: "<|im_end|>")
        for conversation in conversations {
            let messages = conversation.messages.map {
                ChatMessage(role: $0.role, content: $0.content)
            }
            let text = try template.render(messages: messages, addGenerationPrompt: true)
            #expect(text == conversation.rendered)
        }
    }

    @Test func errorsCarryLines() {
        #expect(
            outcome(of: "a\n\n{{ missing.x }}", variables: [:])
                == .failure(.evaluation(line: 3, reason: "'missing' is undefined")))
        #expect(
            outcome(of: "{% if true %}\n{% nosuch %}", variables: [:])
                == .failure(.syntax(line: 2, reason: "unknown or misplaced statement 'nosuch'")))
        #expect(
            outcome(of: "{{ raise_exception('No system role') }}", variables: [:])
                == .failure(.raised("No system role")))
    }

    @Test func withoutDateThereIsNoClock() throws {
        let template = try ChatTemplate(
            source: "{{ strftime_now is defined }}", beginningText: "", endText: "")
        #expect(try template.render(messages: [], addGenerationPrompt: false) == "False")
    }
}
