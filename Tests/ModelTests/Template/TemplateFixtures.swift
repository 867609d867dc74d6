// SPDX-License-Identifier: Apache-2.0

import Foundation
import Model

/// What Python's Jinja made of the inputs; written by `scripts/make-template-fixtures`.
struct TemplateFixtures: Decodable {
    struct Outcome: Decodable {
        var text: String?
        var raised: String?
        /// `syntax` or `evaluation`.
        var error: String?
    }

    struct Feature: Decodable {
        let template: String
        let expected: Outcome
    }

    struct Chat: Decodable {
        let name: String
        let template: String
        let expected: [String: Outcome]
    }

    let variables: FixtureValue
    let features: [Feature]
    let conversations: [String: FixtureValue]
    let chats: [Chat]
    /// Templates that look for parts of texts, and what they made of plain texts in such parts.
    let parts: [Chat]

    /// The moment the fixtures were rendered at.
    static let date = TemplateDate(year: 2024, month: 7, day: 26, hour: 15, minute: 4, second: 9)

    static func load() throws -> TemplateFixtures {
        try JSONDecoder().decode(TemplateFixtures.self, from: data("fixtures.json"))
    }

    static func data(_ name: String) throws -> Data {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../Fixtures/Template")
        return try Data(contentsOf: folder.appendingPathComponent(name))
    }
}

/// A variable of a fixture; dictionaries are `{"pairs": [[key, value], …]}` to keep their order.
struct FixtureValue: Decodable {
    let value: TemplateValue

    private struct Pairs: Decodable { let pairs: [[FixtureValue]] }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            value = .none
        } else if let flag = try? container.decode(Bool.self) {
            value = .bool(flag)
        } else if let number = try? container.decode(Int.self) {
            value = .int(number)
        } else if let number = try? container.decode(Double.self) {
            value = .double(number)
        } else if let text = try? container.decode(String.self) {
            value = .string(text)
        } else if let list = try? container.decode([FixtureValue].self) {
            value = .list(list.map(\.value))
        } else {
            let pairs = try container.decode(Pairs.self).pairs
            value = .dictionary(pairs.map { ($0[0].value.text, $0[1].value) })
        }
    }

    /// The entries, if this is a dictionary.
    var variables: [String: TemplateValue] {
        guard case .mapping(let mapping) = value else { return [:] }
        return Dictionary(
            mapping.entries.map { ($0.key.text, $0.value) }, uniquingKeysWith: { first, _ in first }
        )
    }
}

extension FixtureValue {
    /// The messages, if each is a role and a text and nothing else.
    var plainMessages: [ChatMessage]? {
        guard case .sequence(let list)? = variables["messages"] else { return nil }
        let messages = list.elements.compactMap { message -> ChatMessage? in
            guard case .mapping(let mapping) = message, mapping.entries.count == 2,
                case .string(let role)? = mapping["role"],
                case .string(let content)? = mapping["content"]
            else { return nil }
            return ChatMessage(role: role, content: content)
        }
        return messages.count == list.elements.count ? messages : nil
    }
}

/// What rendering comes to, in the fixtures' terms.
func outcome(
    of source: String, messages: [ChatMessage] = [], variables: [String: TemplateValue]
) -> Result<String, TemplateError> {
    do throws(TemplateError) {
        let template = try ChatTemplate(source: source, beginningText: "<s>", endText: "</s>")
        return .success(
            try template.render(
                messages: messages, addGenerationPrompt: true, variables: variables,
                date: TemplateFixtures.date))
    } catch {
        return .failure(error)
    }
}

extension TemplateFixtures.Outcome {
    /// Nil if `result` is what was expected, else the difference.
    func difference(from result: Result<String, TemplateError>) -> String? {
        switch result {
        case .success(let text):
            if let expected = self.text, expected.utf8.elementsEqual(text.utf8) { return nil }
            return "got \(text.debugDescription), expected \(self)"
        case .failure(.raised(let message)):
            return message == raised ? nil : "raised \(message), expected \(self)"
        case .failure(.syntax(let line, let reason)):
            return error == "syntax" && line > 0 ? nil : "syntax \(reason), expected \(self)"
        case .failure(let failure):
            return error == "evaluation" ? nil : "\(failure), expected \(self)"
        }
    }
}
