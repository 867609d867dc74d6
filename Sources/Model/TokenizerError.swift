// SPDX-License-Identifier: Apache-2.0

/// Why a model file's vocabulary could not be used.
package enum TokenizerError: Error, Equatable, CustomStringConvertible {
    case missingKey(String)
    case unknownModel(String)
    case unknownPreTokenizer(String)
    case tooManyTokens(count: Int, limit: Int)
    case tooManyMerges(count: Int, limit: Int)
    case vocabularyTooLong(byteCount: Int, limit: Int)
    case wrongCount(key: String, count: Int, tokenCount: Int)
    case idOutOfRange(key: String, id: Int, tokenCount: Int)
    case missingSpecialToken(flag: String, key: String)
    case duplicateToken(first: UInt32, second: UInt32)
    case malformedByteToken(id: UInt32)
    case scoreNotANumber(id: UInt32)
    case malformedMerge(index: Int)
    case mergeOfUnknownToken(index: Int)

    package var description: String { "tokenizer: \(fact); \(remedy)" }

    private var remedy: String {
        switch self {
        case .unknownModel, .unknownPreTokenizer: "use another model"
        default: "convert the model to GGUF again"
        }
    }

    private var fact: String {
        switch self {
        case .missingKey(let key):
            "the model file has no \(key), or it has another type than expected"
        case .unknownModel(let name):
            "tokenizer.ggml.model '\(name)' is not supported (gpt2 and llama are)"
        case .unknownPreTokenizer(let name):
            "tokenizer.ggml.pre '\(name)' is not supported "
                + "(\(PreTokenizer.supportedNames.joined(separator: ", ")) are)"
        case .tooManyTokens(let count, let limit):
            "the vocabulary has \(count) tokens and at most \(limit) are supported"
        case .tooManyMerges(let count, let limit):
            "the vocabulary has \(count) merges and at most \(limit) are supported"
        case .vocabularyTooLong(let byteCount, let limit):
            "the tokens' texts have \(byteCount) bytes and at most \(limit) are supported"
        case .wrongCount(let key, let count, let tokenCount):
            "\(key) has \(count) entries for \(tokenCount) tokens"
        case .idOutOfRange(let key, let id, let tokenCount):
            "\(key) is \(id), but there are \(tokenCount) tokens"
        case .missingSpecialToken(let flag, let key):
            "\(flag) is true, but \(key) is not set"
        case .duplicateToken(let first, let second):
            "tokens \(first) and \(second) have the same text"
        case .malformedByteToken(let id):
            "token \(id) is a byte token, but its text is not of the form <0xNN>"
        case .scoreNotANumber(let id):
            "the score of token \(id) is not a number"
        case .malformedMerge(let index):
            "merge \(index) is not two texts with a space between them"
        case .mergeOfUnknownToken(let index):
            "merge \(index) joins or makes a text that is not a token"
        }
    }
}
