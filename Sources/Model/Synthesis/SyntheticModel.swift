// SPDX-License-Identifier: Apache-2.0

package import Platform

/// A model with random weights in a real model's shape, for measuring without a download.
package struct SyntheticModel: Sendable {
    package let shape: SyntheticShape
    package let mix: SyntheticMix
    /// The same seed gives the same file.
    package let seed: UInt64

    /// Bytes made at once by one thread.
    private static let chunkByteCount = 4 << 20

    package init(shape: SyntheticShape, mix: SyntheticMix, seed: UInt64) {
        self.shape = shape
        self.mix = mix
        self.seed = seed
    }

    /// Writes the file and returns its size; nil when `isStopped` said so, and nothing is left.
    ///
    /// `threadCount` threads make chunks while the caller's writes. A file of that name is
    /// replaced once the new one is complete; until then `removal` can take the new one away.
    /// `progress` gets the bytes of tensors written so far.
    package func write(
        to path: String, threadCount: Int, removal: StagedFileRemoval? = nil,
        until isStopped: () -> Bool = { false }, progress: (Int) -> Void = { _ in }
    ) throws(FileError) -> Int? {
        let tensors = self.tensors
        var writer = try GGUFWriter(
            path: path, metadata: metadata, tensors: tensors.map(\.plan), removal: removal)
        var done = 0
        let chunks = tensors.indices.flatMap { self.chunks(of: tensors[$0], number: $0) }
        for start in stride(from: 0, to: chunks.count, by: 2 * threadCount) {
            guard !isStopped() else { return nil }
            let batch = Array(chunks[start..<min(chunks.count, start + 2 * threadCount)])
            for bytes in concurrentMap(batch, threadCount: threadCount, { $0.bytes() }) {
                try writer.append(bytes)
                done += bytes.count
            }
            progress(done)
        }
        try writer.commit()
        return writer.byteCount
    }

    // MARK: Tensors

    private struct Source: Sendable {
        let role: TensorRole
        let plan: GGUFWriter.Plan
    }

    /// A part of a tensor that one thread makes.
    private struct Chunk: Sendable {
        enum Content: Sendable {
            case fixed([UInt8])
            case random(RandomBlocks, blockCount: Int, seed: UInt64)
        }

        let content: Content

        func bytes() -> [UInt8] {
            switch content {
            case .fixed(let bytes): bytes
            case .random(let blocks, let count, let seed):
                blocks.bytes(blockCount: count, seed: seed)
            }
        }
    }

    private var tensors: [Source] {
        shape.roles.map { role in
            let plan = GGUFWriter.Plan(
                name: role.name, type: mix.type(of: role, in: shape),
                shape: shape.hyperparameters.shape(of: role))
            guard let plan else { preconditionFailure("\(shape.name) has no whole blocks") }
            return Source(role: role, plan: plan)
        }
    }

    private func chunks(of tensor: Source, number: Int) -> [Chunk] {
        if tensor.role == .rope {
            var bytes: [UInt8] = []
            for divisor in shape.ropeDivisors { bytes.append(littleEndian: divisor.bitPattern) }
            return [Chunk(content: .fixed(bytes))]
        }
        let type = tensor.plan.type
        // So that a layer's output is about as large as its input, and logits differ clearly.
        let blocks =
            tensor.role.isVector
            ? RandomBlocks(type: type, deviation: 0.1, mean: 1)
            : RandomBlocks(type: type, deviation: 1.5 / Float(tensor.plan.shape[0]).squareRoot())
        let count = tensor.plan.byteCount / type.blockByteCount
        let step = Self.chunkByteCount / type.blockByteCount
        let tensorSeed = RandomBytes.word(seed: seed ^ RandomBytes.word(seed: UInt64(number)))
        return stride(from: 0, to: count, by: step).map { start in
            Chunk(
                content: .random(
                    blocks, blockCount: min(step, count - start),
                    seed: RandomBytes.word(seed: tensorSeed &+ UInt64(start))))
        }
    }

    // MARK: Metadata

    private var metadata: [(String, GGUFValue)] {
        let numbers = shape.hyperparameters
        func count(_ key: String, _ value: Int) -> (String, GGUFValue) {
            ("llama.\(key)", .uint32(UInt32(value)))
        }
        let own: [(String, GGUFValue)] = [
            ("general.architecture", .string("llama")),
            ("general.name", .string("\(shape.name), random weights")),
            ("general.quantization_version", .uint32(2)),
            count("block_count", numbers.layerCount),
            count("context_length", numbers.contextLength),
            count("embedding_length", numbers.embeddingLength),
            count("feed_forward_length", numbers.feedForwardLength),
            count("attention.head_count", numbers.headCount),
            count("attention.head_count_kv", numbers.headCountKV),
            count("attention.key_length", numbers.headSize),
            count("attention.value_length", numbers.headSize),
            count("rope.dimension_count", numbers.ropeDimensionCount),
            ("llama.rope.freq_base", .float32(numbers.ropeBase)),
            ("llama.attention.layer_norm_rms_epsilon", .float32(numbers.rmsEpsilon)),
            count("vocab_size", numbers.vocabularySize),
        ]
        return own + SyntheticVocabulary(count: numbers.vocabularySize).metadata
    }
}
