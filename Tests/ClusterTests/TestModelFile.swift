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

    convenience init(
        layers: Int = 5, type: ElementType = .q8_0, seed: UInt64 = 1, tied: Bool = false
    ) throws {
        try self.init(
            GGUFBuilder.tinyLlama(layers: layers, type: type, seed: seed, hasTiedHead: tied))
    }

    convenience init(shape: TinyShape) throws {
        try self.init(GGUFBuilder.tinyLlama(shape: shape, type: .q8_0, seed: 1))
    }

    private init(_ builder: GGUFBuilder) throws {
        directory = try TemporaryDirectory()
        path = try directory.write(builder.bytes(), to: "tiny.gguf")
        model = try LoadedModel(path: path, contextLength: 256)
    }

    func bytes() throws -> [UInt8] {
        let file = try MappedFile(path: path)
        return file.withUnsafeBytes(0..<file.byteCount) { Array($0) }
    }
}
