// SPDX-License-Identifier: Apache-2.0

import Cluster
import Model
import Platform
import TestSupport
import Testing

struct ServedModelPromptTests {
    private let messages = [ChatMessage(role: "user", content: "hi")]

    private func served(
        template: String?, addsBeginning: Bool = false
    ) throws -> ServedModel {
        let directory = try TemporaryDirectory()
        var builder = GGUFBuilder.tinyLlama()
        builder.set("tokenizer.chat_template", template.map { .string($0) } ?? .bool(false))
        builder.set("tokenizer.ggml.bos_token_id", .uint32(UInt32(TinyVocabulary().beginning)))
        builder.set("tokenizer.ggml.add_bos_token", .bool(addsBeginning))
        builder.set("tokenizer.ggml.add_eos_token", .bool(true))
        let path = try directory.write(builder.bytes(), to: "model.gguf")
        return try LoadedModel(path: path, contextLength: 64).served
    }

    private func text(_ model: ServedModel, _ ids: [UInt32]) -> String {
        let bytes = ids.flatMap { model.tokenizer.bytes(of: $0, showSpecial: true) }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func templateKnowsTheDate() throws {
        let model = try served(
            template: "{{ strftime_now('%d.%m.%Y %H') }}{{ messages[0].content }}")
        let moment = LocalTime(secondsSince1970: 1_700_000_000)
        let ids = try model.prompt(of: messages, now: moment)
        func padded(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let date = "\(padded(moment.day)).\(padded(moment.month)).2023 \(padded(moment.hour))"
        #expect(text(model, ids) == date + "hi")
    }

    /// Whether the template writes it or not, and without an end that no answer could follow.
    @Test(arguments: ["{{ bos_token }}", ""]) func beginningComesOnce(lead: String) throws {
        let model = try served(
            template: lead + "{{ messages[0].content }}", addsBeginning: true)
        let ids = try model.prompt(of: messages, now: .now())
        #expect(text(model, ids) == "<|im_start|>hi")
        #expect(model.prompt(of: "<|im_start|>hi") == ids)
        #expect(model.prompt(of: "hi") == ids)
    }

    @Test func modelWithoutUsableTemplateCompletesTexts() throws {
        let broken = try served(template: "{% for %}")
        #expect(throws: PromptError.self) { try broken.prompt(of: messages, now: .now()) }
        #expect(text(broken, broken.prompt(of: "hi")) == "hi")
        #expect(throws: PromptError.noTemplate) {
            try served(template: nil).prompt(of: messages, now: .now())
        }
    }

    @Test func templateMayRefuse() throws {
        let model = try served(template: "{{ raise_exception('no') }}")
        #expect(throws: PromptError.refused(.raised("no"))) {
            try model.prompt(of: messages, now: .now())
        }
    }
}
