// SPDX-License-Identifier: Apache-2.0

import Cluster
import Model

/// Turns what a client sent into the token ids of a prompt.
struct PromptEncoder {
    let model: ServedModel

    /// Renders `messages` with the model's template, up to where the assistant's answer begins.
    func encode(_ messages: [ChatMessage]) throws(APIError) -> [UInt32] {
        guard let template = model.chatTemplate else {
            throw APIError(
                status: 400,
                "the model '\(model.name)' has no chat template; use POST /v1/completions")
        }
        do {
            let text = try template.render(messages: messages, addGenerationPrompt: true)
            return encode(text)
        } catch {
            throw .wrongValue("messages", "something the model's template accepts: \(error)")
        }
    }

    /// Special tokens written out in `text` count as such. The beginning token is added where the
    /// model wants it, but not twice: many templates write it themselves.
    func encode(_ text: String) -> [UInt32] {
        let tokenizer = model.tokenizer
        var ids = tokenizer.encode(text, parseSpecial: true, addBeginning: false)
        if tokenizer.addsBeginning, let beginning = tokenizer.beginning, ids.first != beginning {
            ids.insert(beginning, at: 0)
        }
        return ids
    }

    /// Ids are checked by the generator.
    func encode(_ prompt: CompletionRequest.Prompt) -> [UInt32] {
        switch prompt {
        case .text(let text): encode(text)
        case .tokens(let ids): ids
        }
    }
}
