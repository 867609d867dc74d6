// SPDX-License-Identifier: Apache-2.0

import Cluster
import Model
import Platform

/// Turns what a client sent into the token ids of a prompt.
struct PromptEncoder {
    let model: ServedModel
    /// Seconds since 1970, for templates that name the date.
    let now: Int

    func encode(_ messages: [ChatMessage]) throws(APIError) -> [UInt32] {
        do {
            return try model.prompt(of: messages, now: LocalTime(secondsSince1970: now))
        } catch {
            switch error {
            case .noTemplate, .unusableTemplate:
                let fact = error == .noTemplate ? "has no chat template" : "can't chat: \(error)"
                throw APIError(
                    status: 400, "the model '\(model.name)' \(fact); use POST /v1/completions")
            case .refused:
                throw .wrongValue("messages", "something the model's template accepts: \(error)")
            }
        }
    }

    /// Ids are checked by the generator.
    func encode(_ prompt: CompletionRequest.Prompt) -> [UInt32] {
        switch prompt {
        case .text(let text): model.prompt(of: text)
        case .tokens(let ids): ids
        }
    }
}
