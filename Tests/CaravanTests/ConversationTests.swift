// SPDX-License-Identifier: Apache-2.0

import Control
import Foundation
import Testing
import caravan

struct ConversationTests {
    @Test func whatGotNoAnswerIsForgotten() {
        var conversation = Conversation(system: nil)
        conversation.takeBack()
        #expect(conversation.messages.isEmpty)
        conversation.ask("a")
        conversation.answer("b")
        conversation.takeBack()
        conversation.ask("c")
        conversation.takeBack()
        #expect(
            conversation.messages == [
                .init(role: "user", content: "a"), .init(role: "assistant", content: "b"),
            ])
    }

    @Test func aNewOneKeepsTheSystemsWord() {
        var conversation = Conversation(system: "Be brief.")
        conversation.ask("a")
        conversation.answer("")
        #expect(conversation.messages.map(\.role) == ["system", "user", "assistant"])
        conversation.restart()
        #expect(conversation.messages == [.init(role: "system", content: "Be brief.")])
    }

    @Test func aRequestHasTheFieldsOfTheAPI() throws {
        var conversation = Conversation(system: nil)
        conversation.ask("a")
        var sampling = SamplingSettings()
        sampling.topK = 40
        let plain = try object(
            ChatRequest(conversation, sampling: sampling, seed: nil, tokenCountMax: nil))
        let names = ["messages", "min_p", "stream", "temperature", "top_k", "top_p"]
        #expect(plain.keys.sorted() == names)
        #expect(plain["stream"] as? Bool == true && plain["top_k"] as? Int == 40)
        #expect(plain["messages"] as? [[String: String]] == [["role": "user", "content": "a"]])
        let limited = try object(
            ChatRequest(conversation, sampling: sampling, seed: .max, tokenCountMax: 9))
        #expect(limited["seed"] as? UInt64 == .max && limited["max_tokens"] as? Int == 9)
    }

    private func object(_ request: ChatRequest) throws -> [String: Any] {
        let json = try JSONEncoder().encode(request)
        return try #require(try JSONSerialization.jsonObject(with: json) as? [String: Any])
    }
}
