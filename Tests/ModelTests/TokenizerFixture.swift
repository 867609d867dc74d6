// SPDX-License-Identifier: Apache-2.0

import Foundation
import Model
import TestSupport

/// Expected results that other programs made; each file says with what.
enum TokenizerFixture {
    static func load<T: Decodable>(_ name: String) throws -> T {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        let url = folder.appendingPathComponent("Fixtures/\(name).json")
        return try JSONDecoder().decode(T.self, from: Data(contentsOf: url))
    }

    struct PreTokenizerPieces: Decodable {
        struct Case: Decodable {
            let text: String
            let pieces: [String: [String]]
        }
        let cases: [Case]
    }

    struct SmolLM2: Decodable {
        struct Case: Decodable {
            let text: String
            let parsed: [UInt32]
            let plain: [UInt32]
        }
        let endOfGeneration: [UInt32]
        let cases: [Case]
        let pieces: [String: String]
    }

    struct SentencePiece: Decodable {
        struct Case: Decodable {
            let text: String
            let parsed: [UInt32]
            let plain: [UInt32]
            let unprefixed: [UInt32]
        }
        let tokens: [String]
        let scores: [Float]
        let kinds: [Int64]
        let endOfGeneration: [UInt32]
        let cases: [Case]
        let shown: [String]
        let hidden: [String]

        func metadata(_ changes: [String: MetadataValue] = [:]) -> Metadata {
            TokenizerFixture.metadata(
                [
                    "model": .string("llama"), "tokens": .strings(tokens),
                    "scores": .floats(scores), "token_type": .integers(kinds),
                    "bos_token_id": .unsigned(1), "eos_token_id": .unsigned(2),
                    "unknown_token_id": .unsigned(0),
                ].merging(changes) { $1 })
        }
    }

    /// Read once: a debug build takes a second to index the real vocabulary.
    static let smolLM2Tokenizer = Result {
        try Tokenizer(metadata: ModelFile(path: TestModel.path).metadata)
    }

    static func metadata(_ values: [String: MetadataValue]) -> Metadata {
        var metadata = Metadata()
        for (key, value) in values { _ = metadata.insert("tokenizer.ggml.\(key)", value) }
        return metadata
    }

    /// A byte-level vocabulary of all bytes, a few merges and `extra` tokens behind them.
    static func byteLevel(
        pre: String = "gpt-2", merges: [String] = [], extra: [(String, Int64)] = [],
        _ changes: [String: MetadataValue] = [:]
    ) -> Metadata {
        let bytes = (0..<256).map { TinyVocabulary.character(of: UInt8($0)) }
        let merged = merges.map { $0.replacing(" ", with: "") }
        let tokens = bytes + merged + extra.map(\.0)
        let kinds = [Int64](repeating: 1, count: 256 + merged.count) + extra.map(\.1)
        return metadata(
            [
                "model": .string("gpt2"), "pre": .string(pre), "tokens": .strings(tokens),
                "token_type": .integers(kinds), "merges": .strings(merges),
            ].merging(changes) { $1 })
    }

    static func hexadecimal(_ bytes: [UInt8]) -> String {
        bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }
}
