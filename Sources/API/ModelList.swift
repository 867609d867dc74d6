// SPDX-License-Identifier: Apache-2.0

/// The answer of `GET /v1/models`.
struct ModelList: Encodable {
    let object = "list"
    var data: [ModelEntry]

    private enum CodingKeys: String, CodingKey { case object, data }
}

/// The answer of `GET /v1/models/{id}`.
struct ModelEntry: Encodable {
    var id: String
    let object = "model"
    var created: Int
    let ownedBy = "caravan"
    /// Tokens that prompt and answer may have together, by vLLM's name for it.
    var contextLength: Int

    private enum CodingKeys: String, CodingKey {
        case id, object, created
        case ownedBy = "owned_by"
        case contextLength = "max_model_len"
    }
}
