// SPDX-License-Identifier: Apache-2.0

package import Model

/// What the layers above need of the model being served.
package struct ServedModel: Sendable {
    /// The file's name without `.gguf`.
    package let name: String
    package let tokenizer: Tokenizer
    /// nil where the file has no template. Without one that can be used, chat requests are refused.
    package let chatTemplate: Result<ChatTemplate, TemplateError>?
    /// Positions a sequence may have here.
    package let contextLength: Int
    /// Seconds since 1970 at which the file was last modified.
    package let created: Int

    package init(
        name: String, tokenizer: Tokenizer, chatTemplate: Result<ChatTemplate, TemplateError>?,
        contextLength: Int, created: Int
    ) {
        self.name = name
        self.tokenizer = tokenizer
        self.chatTemplate = chatTemplate
        self.contextLength = contextLength
        self.created = created
    }
}
