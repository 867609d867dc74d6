// SPDX-License-Identifier: Apache-2.0

/// Why a sequence was not taken.
package enum SchedulerRefusal: Error, Sendable, Equatable, CustomStringConvertible {
    case emptyPrompt
    case promptTooLong(tokens: Int, contextLength: Int)
    case queueFull(waiting: Int)
    case notReady
    case tokenOutOfRange(token: UInt32, vocabularyCount: Int)

    package var description: String {
        switch self {
        case .emptyPrompt: "the prompt is empty; send at least one token"
        case .promptTooLong(let tokens, let contextLength):
            "the prompt has \(tokens) tokens and the context holds \(contextLength), the answer "
                + "included; shorten it or serve with a larger --context or --kv-memory"
        case .queueFull(let waiting): "\(waiting) sequences are waiting already; retry later"
        case .notReady: "no pipeline is up; retry when the cluster is ready"
        case .tokenOutOfRange(let token, let vocabularyCount):
            "the prompt has token \(token) and the vocabulary ends at \(vocabularyCount - 1); "
                + "tokenise it with the served model's tokenizer"
        }
    }
}
