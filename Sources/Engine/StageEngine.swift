// SPDX-License-Identifier: Apache-2.0

import CKernels
package import Model

/// One stage of a model: its packed weights, its KV cache and the threads that compute with them.
///
/// One thread at a time drives it. For quantised weights a row's result is the same bits whatever
/// the other rows of the step, the number of threads and the CPU; see `FloatProduct` for the rest.
package final class StageEngine {
    package let configuration: StageConfiguration
    package let isa: KernelISA
    let weights: StageWeights
    let readAhead: ReadAhead
    let cache: KVCache
    let scratch: Scratch
    let team: ComputeTeam
    let frequencies: [Float]

    /// Reads and packs the stage's weights.
    ///
    /// `tensors` may hold more than the stage needs. `progress` gets the bytes packed so far,
    /// after each layer, and ends the loading by a throw. Of those tensors that are `kept`, which
    /// must be of the same model, nothing is read.
    /// `isa` is for tests; nil takes the process's choice.
    package init(
        configuration: StageConfiguration, tensors: [Tensor], kept: KeptWeights = .none,
        isa: KernelISA? = nil,
        progress: (Int) throws(EngineError) -> Void
    ) throws(EngineError) {
        try configuration.check()
        if let isa { self.isa = isa } else { self.isa = try KernelISA.selected() }
        self.configuration = configuration
        FloatProduct.useOneThread()
        team = try ComputeTeam(threadCount: configuration.threadCount)
        cache = try KVCache(configuration: configuration)
        scratch = try Scratch(configuration: configuration)
        weights = try StageWeights(
            configuration: configuration, tensors: tensors, kept: kept, team: team,
            progress: progress)
        readAhead = ReadAhead(loops: weights.loops, threadCount: configuration.threadCount)
        team.readAhead = readAhead
        frequencies = Self.frequencies(configuration.hyperparameters, weights.ropeFactors)
    }

    /// The weights, for a stage that comes after this one.
    package var keptWeights: KeptWeights { KeptWeights(weights, layers: configuration.layers) }

    private static func frequencies(
        _ numbers: Hyperparameters, _ factors: [Float]?
    ) -> [Float] {
        var result = [Float](repeating: 0, count: numbers.ropeDimensionCount / 2)
        ck_rope_frequencies(numbers.ropeBase, numbers.ropeDimensionCount, factors, &result)
        return result
    }

    /// Keeps the calling thread, which is to run all steps, and the others each on a core of its
    /// own (`ComputeTeam.bind`).
    package func bindThreads() { team.bind() }

    /// Forgets all positions of `slot`.
    package func release(slot: Int) throws(EngineError) {
        try check(slot: slot, holds: 0)
        cache.release(slot: slot)
    }

    /// Keeps positions `0..<length` of `slot`, which must have them.
    ///
    /// Takes a page where that leaves a part of one which another slot holds too; pages that are
    /// dropped are free before that.
    package func truncate(slot: Int, length: Int) throws(EngineError) {
        try check(slot: slot, holds: length)
        try cache.truncate(slot: slot, to: length)
    }

    /// Makes `slot` hold positions `0..<length` of `source`, which must have them, and only those.
    ///
    /// Whole pages are shared. A part of a page is copied to a page of the slot's own; those that
    /// the slot had are free before that.
    package func fork(slot: Int, source: Int, length: Int) throws(EngineError) {
        try check(slot: slot, holds: 0)
        try check(slot: source, holds: length)
        try cache.fork(slot: slot, source: source, length: length)
    }

    private func check(slot: Int, holds length: Int) throws(EngineError) {
        guard let current = self.length(slot: slot) else {
            throw .slotOutOfRange(slot: slot, slotCount: configuration.slotCount)
        }
        guard (0...current).contains(length) else {
            throw .lengthOutOfRange(slot: slot, length: length, current: current)
        }
    }

    /// The number of positions that `slot` holds; nil where there is no such slot.
    package func length(slot: Int) -> Int? {
        cache.lengths.indices.contains(slot) ? cache.lengths[slot] : nil
    }

    /// Pages of the KV cache that are in no slot.
    package var freePageCount: Int { cache.pages.freeCount }

    /// Gives the system some memory back that sequences no longer need; the bytes, or 0 when there
    /// is no more to give. To be called between steps, and while there are none, until then.
    @discardableResult package func giveBack() -> Int { cache.giveBack() }

    /// Bytes of weights, of the pages now held, and of working memory.
    package var residentByteCount: Int {
        weights.byteCount + cache.usedByteCount + Scratch.byteCount(configuration)
    }

    /// What a stage of this configuration needs at most, its weights being of `weightByteCount` in
    /// the file: packing does not make them larger, but for rows missing to a multiple of 16 and
    /// what is missing to whole pages.
    package static func memoryByteCount(
        configuration: StageConfiguration, weightByteCount: Int
    ) -> Int {
        let parts = [
            weightByteCount, configuration.kvByteCount ?? Int.max,
            Scratch.byteCount(configuration), Scratch.tileByteCount(configuration),
        ]
        return parts.reduce(0) { sum, part in
            let (total, isOver) = sum.addingReportingOverflow(part)
            return isOver ? Int.max : total
        }
    }

    /// Runs one step: the rows' positions enter the cache, and the result is theirs.
    ///
    /// Rows of one slot must continue it position by position. The first stage embeds the tokens
    /// and ignores `hidden`; the others take `hidden` `(rows, embeddingLength)`.
    package func forward(rows: [StageRow], hidden: [Float]) throws(EngineError) -> StageOutput {
        let lengths = try checked(rows, hidden: hidden)
        guard !rows.isEmpty else {
            return configuration.isLast ? .predictions([]) : .hidden([])
        }
        begin(rows, hidden: hidden)
        cache.extend(lengths)
        let plan = attentionPlan(rows)
        guard configuration.isLast else {
            for layer in weights.layers.indices { run(layer: layer, rows: rows, plan: plan) }
            let count = rows.count * configuration.hyperparameters.embeddingLength
            return .hidden(Array(UnsafeBufferPointer(start: scratch.hidden, count: count)))
        }
        let wanting = rows.indices.filter { rows[$0].want != .nothing }
        for layer in weights.layers.indices.dropLast() {
            run(layer: layer, rows: rows, plan: plan)
        }
        if wanting.count == rows.count {
            run(layer: weights.layers.count - 1, rows: rows, plan: plan)
        } else {
            runLast(rows: rows, wanting: wanting)
        }
        return .predictions(predictions(rows, wanting: wanting))
    }
}
