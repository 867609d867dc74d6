// SPDX-License-Identifier: Apache-2.0

/// The metadata keys a tokenizer is built from. Source: the GGUF specification.
enum TokenizerKeys {
    static let model = "tokenizer.ggml.model"
    static let preTokenizer = "tokenizer.ggml.pre"
    static let tokens = "tokenizer.ggml.tokens"
    static let kinds = "tokenizer.ggml.token_type"
    static let scores = "tokenizer.ggml.scores"
    static let merges = "tokenizer.ggml.merges"
    static let beginning = "tokenizer.ggml.bos_token_id"
    static let end = "tokenizer.ggml.eos_token_id"
    static let endOfTurn = "tokenizer.ggml.eot_token_id"
    static let endOfMessage = "tokenizer.ggml.eom_token_id"
    static let unknown = "tokenizer.ggml.unknown_token_id"
    static let addsBeginning = "tokenizer.ggml.add_bos_token"
    static let addsEnd = "tokenizer.ggml.add_eos_token"
    static let addsSpacePrefix = "tokenizer.ggml.add_space_prefix"
}

extension Metadata {
    /// What `look` finds at `key`, nil where the file does not say. Anything of another type is
    /// refused: to go on without it would make other tokens.
    func optional<T>(
        _ key: String, _ look: (String) -> T?
    ) throws(TokenizerError) -> T? {
        let value = look(key)
        guard value != nil || self[key] == nil else { throw .missingKey(key) }
        return value
    }
}
