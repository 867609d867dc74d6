// SPDX-License-Identifier: Apache-2.0

package import Control

/// The body of a chat's `POST /v1/chat/completions`. It names no model: a coordinator has one.
package struct ChatRequest: Encodable {
    private let stream = true
    private var messages: [Conversation.Message]
    private var temperature: Double
    private var topP: Double
    private var topK: Int
    private var minP: Double
    /// nil for the coordinator to choose.
    private var seed: UInt64?
    /// nil for as many as the context holds.
    private var tokenCountMax: Int?

    package init(
        _ conversation: Conversation, sampling: SamplingSettings, seed: UInt64?,
        tokenCountMax: Int?
    ) {
        messages = conversation.messages
        temperature = sampling.temperature
        topP = sampling.topP
        topK = sampling.topK
        minP = sampling.minP
        self.seed = seed
        self.tokenCountMax = tokenCountMax
    }

    private enum CodingKeys: String, CodingKey {
        case stream, messages, temperature, seed
        case topP = "top_p"
        case topK = "top_k"
        case minP = "min_p"
        case tokenCountMax = "max_tokens"
    }
}
