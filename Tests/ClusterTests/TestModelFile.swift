// SPDX-License-Identifier: Apache-2.0

import Cluster
import Model
import Platform
import TestSupport

/// A tiny model on disk, for as long as the object lives.
///
/// Quantised, so that the same bits are promised at any split.
final class TestModelFile: Sendable {
    let directory: TemporaryDirectory
    let path: String
    let model: LoadedModel

    init(layers: Int = 5, type: ElementType = .q8_0, seed: UInt64 = 1, tied: Bool = false) throws {
        directory = try TemporaryDirectory()
        let builder = GGUFBuilder.tinyLlama(
            layers: layers, type: type, seed: seed, hasTiedHead: tied)
        path = try directory.write(builder.bytes(), to: "tiny.gguf")
        model = try LoadedModel(path: path, contextLength: 256)
    }

    func bytes() throws -> [UInt8] {
        let file = try MappedFile(path: path)
        return file.withUnsafeBytes(0..<file.byteCount) { Array($0) }
    }
}
