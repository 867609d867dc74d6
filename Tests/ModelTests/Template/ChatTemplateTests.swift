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
