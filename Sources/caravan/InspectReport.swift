// SPDX-License-Identifier: Apache-2.0

import Cluster
import Model

/// What `caravan inspect` says about a model file, as data; `text` and `json()` print the same.
///
/// A sound file that cannot be run (another architecture, say) is reported too, with the reason.
struct InspectReport: Encodable {
    let name: String
    let paths: [String]
    let fileBytes: Int
    let parameterCount: Int
    let tensorCount: Int
    let elementTypes: [ElementTypeShare]
    let title: String?
    let architecture: String?
    /// Why the model cannot be run; nil where it can.
    let problem: String?
    let shape: Shape?
    let tokenizer: TokenizerSummary
    let hasChatTemplate: Bool
    let tensors: [TensorLine]

    init(file: ModelFile) {
        let metadata = file.metadata
        name = file.name
        paths = file.paths
        fileBytes = file.byteCount
        parameterCount = file.tensors.reduce(0) { $0 + $1.elementCount }
        tensorCount = file.tensors.count
        elementTypes = ElementTypeShare.shares(of: file.tensors)
        title = metadata.string("general.name")
        architecture = metadata.string("general.architecture")
        tokenizer = TokenizerSummary(metadata: metadata)
        hasChatTemplate = metadata.string("tokenizer.chat_template") != nil
        tensors = file.tensors.map(TensorLine.init)
        do throws(ModelFileError) {
            let found = try Hyperparameters(metadata: metadata, tensors: file.tensors)
            shape = Shape(found, plan: BlobPlan(file: file, hyperparameters: found))
            problem = Self.problem(file)
        } catch {
            shape = nil
            problem = error.description
        }
    }

    /// What else is wrong with a file whose shape is sound: its tokenizer or its template.
    private static func problem(_ file: ModelFile) -> String? {
        do {
            _ = try LoadedModel(file: file, path: file.name)
            return nil
        } catch {
            return "\(error)"
        }
    }
}

extension InspectReport {
    /// How much of the model is stored in one element type.
    struct ElementTypeShare: Encodable {
        let type: String
        let tensorCount: Int
        let parameterCount: Int
        let bytes: Int

        /// Largest first.
        static func shares(of tensors: [Tensor]) -> [ElementTypeShare] {
            Dictionary(grouping: tensors, by: \.type)
                .map { type, tensors in
                    ElementTypeShare(
                        type: type.name, tensorCount: tensors.count,
                        parameterCount: tensors.reduce(0) { $0 + $1.elementCount },
                        bytes: tensors.reduce(0) { $0 + $1.byteCount })
                }
                .sorted { ($0.bytes, $0.type) > ($1.bytes, $1.type) }
        }
    }

    struct TokenizerSummary: Encodable {
        let model: String?
        let preTokenizer: String?
        let vocabularyCount: Int?

        init(metadata: Metadata) {
            model = metadata.string("tokenizer.ggml.model")
            preTokenizer = metadata.string("tokenizer.ggml.pre")
            vocabularyCount = metadata.strings("tokenizer.ggml.tokens")?.count
        }
    }

    /// One line of the tensor table.
    struct TensorLine: Encodable {
        let name: String
        let type: String
        /// Innermost dimension first.
        let shape: [Int]
        let bytes: Int

        init(_ tensor: Tensor) {
            name = tensor.name
            type = tensor.type.name
            shape = tensor.shape
            bytes = tensor.byteCount
        }
    }
}
