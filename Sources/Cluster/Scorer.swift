// SPDX-License-Identifier: Apache-2.0

import Engine
import Model
package import Wire

/// Says how likely given tokens are to a model, computed stage by stage as workers would.
///
/// One thread uses it at a time.
package final class Scorer {
    private let stages: [StageRunner]
    private let vocabularySize: Int

    /// Loads the whole model in `stageCount` stages of this process, about equal in layers, between
    /// which activations travel as `wireType`. Windows have at most `windowLength` tokens.
    package init(
        model: LoadedModel, stageCount: Int, wireType: WireType, cacheType: CacheType = .f16,
        windowLength: Int, threadCount: Int
    ) throws {
        let layerCount = model.hyperparameters.layerCount
        guard (1...layerCount).contains(stageCount) else {
            throw ScorerError.stageCount(stageCount, layerCount: layerCount)
        }
        let width = model.hyperparameters.embeddingLength
        guard wireType.takes(width: width) else { throw ScorerError.wireType(wireType, width) }
        vocabularySize = model.hyperparameters.vocabularySize
        let configurations = (0..<stageCount).map { stage in
            StageConfiguration(
                hyperparameters: model.hyperparameters,
                layers: stage * layerCount / stageCount..<(stage + 1) * layerCount / stageCount,
                slotCount: 1, contextLength: windowLength, kvType: KVType(cacheType),
                rowCountMax: Limits.allLogitsRowsMax, threadCount: threadCount)
        }
        let tensors = model.tensors
        try LocalRoom.check(configurations, tensors: tensors)
        stages = try configurations.enumerated().map { stage, configuration in
            let engine = try StageEngine(
                configuration: configuration, tensors: tensors, progress: { _ in })
            return StageRunner(stage: stage, engine: engine, wireType: wireType)
        }
    }

    /// The natural logarithm of the probability of each token of `tokens` from `first` on (at least
    /// 1), given all tokens before it.
    package func logProbabilities(of tokens: [UInt32], from first: Int) throws -> [Double] {
        precondition(first >= 1)
        if let token = tokens.first(where: { $0 >= UInt32(vocabularySize) }) {
            throw EngineError.tokenOutOfRange(token: Int(token), vocabularySize: vocabularySize)
        }
        var result: [Double] = []
        for start in stride(from: 0, to: tokens.count - 1, by: Limits.allLogitsRowsMax) {
            let positions = start..<min(start + Limits.allLogitsRowsMax, tokens.count - 1)
            let rows = positions.map { position in
                Row(
                    slot: 0, position: UInt32(position), token: tokens[position],
                    want: position + 1 >= first ? .allLogits : .nothing)
            }
            let edits: [KVEdit] = start == 0 ? [.release(slot: 0)] : []
            for row in try candidates(Step(edits: edits, rows: rows)) {
                guard case .all(let logits) = row.logits else { continue }
                let next = Int(tokens[Int(row.position) + 1])
                result.append(Double(logits[next]) - Double(row.logSumExp))
            }
        }
        return result
    }

    private func candidates(_ step: Step) throws -> [RowCandidates] {
        var step = step
        for stage in stages {
            switch try stage.run(step, sendMicroseconds: 0) {
            case .next(let next): step = next
            case .candidates(let candidates): return candidates.rows
            }
        }
        return []
    }
}

/// Why a model cannot be scored as asked.
package enum ScorerError: Error, Equatable, CustomStringConvertible {
    case stageCount(Int, layerCount: Int)
    case wireType(WireType, Int)

    package var description: String {
        switch self {
        case .stageCount(let count, let layerCount):
            "--stages is \(count) and the model has \(layerCount) layers; use as many or fewer"
        case .wireType(let type, let width):
            "--wire \(type.name) needs activations in blocks of \(WireType.blockLength) and "
                + "the model's have \(width) values; use f32 or f16"
        }
    }
}
