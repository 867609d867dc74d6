// SPDX-License-Identifier: Apache-2.0

import CKernels
import Engine
import Model
import Platform
import TestSupport
import Testing

/// Synthetic weights of every type mean what they should once they are dequantised.
struct SyntheticWeightsTests {
    private func values(_ tensor: Tensor) -> [Float] {
        var values = [Float](repeating: .nan, count: tensor.elementCount)
        tensor.region.withUnsafeBytes {
            ck_dequantise(tensor.type.rawValue, $0.baseAddress, values.count, &values)
        }
        return values
    }

    @Test(arguments: SyntheticMix.all.map(\.name))
    func theSpreadIsAsMeant(name: String) throws {
        let mix = try #require(SyntheticMix.all.first { $0.name == name })
        let directory = try TemporaryDirectory()
        let path = directory.file("model.gguf")
        let model = SyntheticModel(shape: .tiny(hasTiedHead: false), mix: mix, seed: 3)
        _ = try #require(try model.write(to: path, threadCount: 1))
        let file = try ModelFile(path: path)
        for tensor in file.tensors where tensor.shape.count == 2 {
            let values = values(tensor)
            let mean = values.reduce(0, +) / Float(values.count)
            let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Float(values.count)
            let wanted = 1.5 / Float(tensor.shape[0]).squareRoot()
            #expect(abs(variance.squareRoot() / wanted - 1) < 0.2, "\(tensor.name)")
            #expect(abs(mean) < 0.2 * wanted, "\(tensor.name)")
        }
        for tensor in file.tensors where tensor.name.hasSuffix("norm.weight") {
            #expect(values(tensor).allSatisfy { abs($0 - 1) < 0.25 })
        }
    }
}
