// SPDX-License-Identifier: Apache-2.0

package import Model
import Platform

/// A model file opened and checked: what the coordinator keeps of it.
///
/// The metadata are let go once the tokenizer and the template are made of them.
package struct LoadedModel: Sendable {
    /// Of the file, or of any of its parts.
    package let path: String
    package let hyperparameters: Hyperparameters
    package let blobs: BlobPlan
    package private(set) var served: ServedModel

    /// Throws `ModelFileError` or `LoadedModelError`.
    package init(path: String, contextLength: Int) throws {
        try self.init(file: try ModelFile(path: path), path: path, contextLength: contextLength)
    }

    /// The same of a file that is open; `path` is for errors.
    package init(file: ModelFile, path: String, contextLength: Int = .max) throws {
        self.path = path
        hyperparameters = try Hyperparameters(metadata: file.metadata, tensors: file.tensors)
        blobs = BlobPlan(file: file, hyperparameters: hyperparameters)
        let tokenizer: Tokenizer
        do {
            tokenizer = try Tokenizer(metadata: file.metadata)
        } catch {
            throw LoadedModelError.unusable(path: path, reason: error.description)
        }
        guard tokenizer.vocabularyCount <= hyperparameters.vocabularySize else {
            throw LoadedModelError.vocabularyMismatch(
                path: path, tokens: tokenizer.vocabularyCount,
                rows: hyperparameters.vocabularySize)
        }
        func text(_ id: UInt32?) -> String {
            id.map { String(decoding: tokenizer.bytes(of: $0, showSpecial: true), as: UTF8.self) }
                ?? ""
        }
        let source = file.metadata.string("tokenizer.chat_template")
        let template = source.map { source in
            Result { () throws(TemplateError) in
                try ChatTemplate(
                    source: source, beginningText: text(tokenizer.beginning),
                    endText: text(tokenizer.end))
            }
        }
        served = ServedModel(
            name: file.name, tokenizer: tokenizer, chatTemplate: template,
            contextLength: min(contextLength, hyperparameters.contextLength),
            created: Int((file.identities.first?.modifiedNanoseconds ?? 0) / 1_000_000_000))
    }

    /// The same with room for at most `length` positions.
    package func limited(toContext length: Int) -> LoadedModel {
        var copy = self
        copy.served = ServedModel(
            name: served.name, tokenizer: served.tokenizer, chatTemplate: served.chatTemplate,
            contextLength: min(length, served.contextLength), created: served.created)
        return copy
    }

    /// Every tensor, in load order.
    package var tensors: [Tensor] { blobs.all.flatMap { $0.entries.map(\.tensor) } }
}

/// A model file that can be read but not served.
package enum LoadedModelError: Error, Equatable, CustomStringConvertible {
    case vocabularyMismatch(path: String, tokens: Int, rows: Int)
    /// Its tokenizer can't be used.
    case unusable(path: String, reason: String)

    package var description: String {
        switch self {
        case .vocabularyMismatch(let path, let tokens, let rows):
            "\(path) has \(tokens) tokens but embeddings for \(rows); the file is damaged"
        case .unusable(let path, let reason): "\(path): \(reason)"
        }
    }
}
