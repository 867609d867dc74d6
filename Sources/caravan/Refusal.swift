// SPDX-License-Identifier: Apache-2.0

package import FoundationEssentials

/// Why a coordinator does not do what it was asked for, in the words of its API.
package struct Refusal: Equatable, Sendable {
    package var message: String
    package var code: String?
    /// When it is worth asking again.
    package var retryAfterSeconds: Int?

    package init(message: String, code: String? = nil, retryAfterSeconds: Int? = nil) {
        self.message = message
        self.code = code
        self.retryAfterSeconds = retryAfterSeconds
    }

    /// Reads `{"error": {…}}`; nil where `json` is something else.
    package init?(json: Data, retryAfterSeconds: Int? = nil) {
        struct Answer: Decodable { var error: Content }
        struct Content: Decodable {
            var message: String
            var code: String?
        }
        guard let content = try? JSONDecoder().decode(Answer.self, from: json).error else {
            return nil
        }
        self.init(
            message: content.message, code: content.code, retryAfterSeconds: retryAfterSeconds)
    }
}
