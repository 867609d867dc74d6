// SPDX-License-Identifier: Apache-2.0

import Engine
import Model
import Platform
import Wire

/// Makes a stage from an assignment whose blobs are all at hand.
struct StageLoader {
    let assignment: Assignment
    let threadCount: Int
    let memoryBudgetBytes: Int

    /// Packs the weights in `blobs`, but for those that are `kept`. Throws what is wrong with the
    /// assignment: a blob's bytes may be anything, its sizes are checked. Throws
    /// `EngineError.loadingStopped` soon after `isPointless` says so.
    func load(
        _ blobs: [BlobDigest: HeldBlob], kept: KeptWeights, unless isPointless: () -> Bool
    ) throws -> StageRunner {
        let configuration = try stageConfiguration()
        try checkMemory(configuration)
        var tensors: [Tensor] = []
        for blob in assignment.blobs {
            guard let held = blobs[blob.digest] else {
                throw ShippingError.unloadable("blob \(blob.digest.hexadecimal) is missing")
            }
            tensors += try held.tensors(blob)
        }
        try configuration.hyperparameters.checkTensors(tensors, forLayers: configuration.layers)
        let engine = try StageEngine(configuration: configuration, tensors: tensors, kept: kept) {
            (_) throws(EngineError) in
            if isPointless() { throw .loadingStopped }
        }
        return StageRunner(
            stage: Int(assignment.stage), engine: engine, wireType: assignment.wireType)
    }

    /// Before anything is allocated: the stage within the budget, steps within what a frame holds.
    private func checkMemory(_ configuration: StageConfiguration) throws {
        try configuration.check()
        guard let kv = configuration.kvByteCount, kv <= memoryBudgetBytes else {
            throw ShippingError.tooLarge(
                needBytes: configuration.kvByteCount, budgetBytes: memoryBudgetBytes)
        }
        let width = MemoryLayout<Float>.size * configuration.hyperparameters.embeddingLength
        guard configuration.rowCountMax * width <= Limits.activationBytesMax else {
            throw ShippingError.unloadable("\(configuration.rowCountMax) rows do not fit a step")
        }
        let weights = assignment.blobs.reduce(0 as UInt64) { sum, blob in
            let (total, isOver) = sum.addingReportingOverflow(blob.byteCount)
            return isOver ? .max : total
        }
        let need = StageEngine.memoryByteCount(
            configuration: configuration, weightByteCount: Int(clamping: weights))
        guard need <= memoryBudgetBytes else {
            throw ShippingError.tooLarge(needBytes: need, budgetBytes: memoryBudgetBytes)
        }
    }

    private func stageConfiguration() throws -> StageConfiguration {
        let shape = assignment.shape
        guard assignment.layerStart < assignment.layerEnd, assignment.layerEnd <= shape.layerCount
        else {
            throw ShippingError.unloadable(
                "layers \(assignment.layerStart)..<\(assignment.layerEnd) of \(shape.layerCount)")
        }
        let hyperparameters = Hyperparameters(shape)
        try hyperparameters.check()
        return StageConfiguration(
            hyperparameters: hyperparameters,
            layers: Int(assignment.layerStart)..<Int(assignment.layerEnd),
            slotCount: Int(assignment.slotCount), contextLength: Int(assignment.contextLength),
            pageCount: Int(assignment.pageCount),
            pagePositionCount: Int(assignment.pagePositionCount),
            kvType: KVType(assignment.cacheType), rowCountMax: Int(assignment.rowCountMax),
            threadCount: threadCount)
    }
}

extension Hyperparameters {
    /// The wire's form of the same numbers; the engine checks them against the tensors.
    init(_ shape: ModelShape) {
        self.init(
            layerCount: Int(shape.layerCount), embeddingLength: Int(shape.embeddingLength),
            feedForwardLength: Int(shape.feedForwardLength), headCount: Int(shape.headCount),
            headCountKV: Int(shape.headCountKV), headSize: Int(shape.headSize),
            ropeDimensionCount: Int(shape.ropeDimensionCount), ropeBase: shape.ropeBase,
            ropeScale: shape.ropeScale, rmsEpsilon: shape.rmsEpsilon,
            vocabularySize: Int(shape.vocabularySize), contextLength: Int(shape.contextLength))
    }
}

extension ModelShape {
    init(_ parameters: Hyperparameters) {
        self.init(
            layerCount: UInt32(parameters.layerCount),
            embeddingLength: UInt32(parameters.embeddingLength),
            feedForwardLength: UInt32(parameters.feedForwardLength),
            headCount: UInt32(parameters.headCount), headCountKV: UInt32(parameters.headCountKV),
            headSize: UInt32(parameters.headSize),
            ropeDimensionCount: UInt32(parameters.ropeDimensionCount),
            vocabularySize: UInt32(parameters.vocabularySize),
            contextLength: UInt32(parameters.contextLength), ropeBase: parameters.ropeBase,
            ropeScale: parameters.ropeScale, rmsEpsilon: parameters.rmsEpsilon)
    }
}
