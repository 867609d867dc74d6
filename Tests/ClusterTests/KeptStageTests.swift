// SPDX-License-Identifier: Apache-2.0

import Cluster
import Engine
import Model
import TestSupport
import Testing
import Wire

/// What stays in memory of a stage that is over.
struct KeptStageTests {
    private let file: TestModelFile

    init() throws { file = try TestModelFile(tied: true) }

    /// The assignment of some layers, with its blobs as found in the model file.
    private func assignment(
        _ layers: Range<Int>, of file: TestModelFile
    ) throws -> (Assignment, [BlobDigest: HeldBlob]) {
        guard case .assignment(var assignment) = try PlayedCoordinator().assignment(file.model)
        else { throw PlayedCoordinator.NotAsExpected() }
        let all = zip(file.model.blobs.all, assignment.blobs)
        let names = Set(file.model.blobs.blobs(forLayers: layers).map(\.name))
        let wanted = all.filter { names.contains($0.0.name) }
        assignment.layerStart = UInt32(layers.lowerBound)
        assignment.layerEnd = UInt32(layers.upperBound)
        assignment.blobs = wanted.map(\.1)
        let held = wanted.map { ($0.1.digest, HeldBlob.inModel($0.0)) }
        return (assignment, Dictionary(uniqueKeysWithValues: held))
    }

    /// A stage with these layers.
    private func stage(_ layers: Range<Int>, of file: TestModelFile) throws -> KeptStage {
        let (assignment, held) = try assignment(layers, of: file)
        let blobs = file.model.blobs.blobs(forLayers: layers)
        let engine = try StageEngine(
            configuration: StageConfiguration(
                hyperparameters: file.model.hyperparameters, layers: layers, slotCount: 1,
                contextLength: 64, rowCountMax: 8, threadCount: 1),
            tensors: blobs.flatMap { $0.entries.map(\.tensor) }, progress: { _ in })
        return KeptStage(assignment, held: held, weights: engine.keptWeights)
    }

    /// The names of the blobs that are kept of the stage with `layers` when it gets `next`.
    private func kept(
        _ layers: Range<Int>, _ next: Range<Int>, of other: TestModelFile? = nil
    ) throws -> [String] {
        let file = other ?? file
        var kept = try stage(layers, of: file)
        kept.keep(only: try assignment(next, of: file).0)
        return kept.held.values.map { held in
            if case .inModel(let blob) = held { blob.name } else { "" }
        }.sorted()
    }

    private func names(_ layers: Range<Int>) -> [String] {
        file.model.blobs.blobs(forLayers: layers).map(\.name).sorted()
    }

    @Test func whatBothStagesNeedIsKept() throws {
        #expect(try kept(1..<4, 1..<4) == names(1..<4))
        #expect(try kept(1..<3, 2..<4) == names(2..<3))
        #expect(try kept(0..<3, 0..<2) == names(0..<2))
        #expect(try kept(2..<5, 3..<5) == names(3..<5))
        #expect(try kept(1..<2, 3..<4).filter { $0.contains("layer") } == [])
    }

    /// Their bytes are the same: one that isn't in memory has to be hashed.
    @Test func aBlobThatIsWantedUnderAnotherNameTooIsLookedFor() throws {
        var kept = try stage(1..<2, of: file)
        var (next, _) = try assignment(1..<3, of: file)
        let digest = next.blobs[0].digest
        kept.keep(only: next)
        #expect(kept.held.keys.contains(digest))
        next.blobs[1] = next.blobs[0]
        for index in next.blobs[1].tensors.indices {
            next.blobs[1].tensors[index].name.replace("blk.1.", with: "blk.2.")
        }
        kept.keep(only: next)
        #expect(kept.held.isEmpty)
    }

    /// A first stage has the embedding as in the file, a last one packed: whoever gets the other
    /// use for it needs its blob.
    @Test func theEmbeddingIsKeptForTheSameUse() throws {
        let embedding = file.model.blobs.embedding.name
        #expect(try kept(0..<2, 0..<3).contains(embedding))
        #expect(try kept(0..<5, 0..<5).contains(embedding))
        #expect(try kept(3..<5, 0..<5).contains(embedding))
        for (one, other) in [(0..<2, 3..<5), (0..<5, 0..<3), (0..<3, 0..<5)] {
            #expect(names(other).contains(embedding))
            #expect(try !kept(one, other).contains(embedding))
        }
        // Where the head has a matrix of its own there is only one use.
        let untied = try TestModelFile()
        #expect(try kept(0..<5, 0..<3, of: untied).contains(embedding))
        #expect(try kept(0..<3, 0..<5, of: untied).contains(embedding))
    }

    @Test func itMayStayUntilNobodyHasWantedItForLong() throws {
        var kept = try stage(0..<2, of: file)
        let patience = ClusterLimits.keptPatience
        let start = Duration.seconds(100)
        func check(_ time: Duration, isWanted: Bool) -> Bool {
            kept.mayStay(isWanted: isWanted, now: start + time)
        }
        #expect(check(.zero, isWanted: true))
        #expect(check(patience * 3, isWanted: true))
        #expect(check(patience * 3.5, isWanted: false))
        #expect(check(patience * 4.4, isWanted: false))
        #expect(check(patience * 4.5, isWanted: true))
        #expect(check(patience * 6, isWanted: false))
        #expect(check(patience * 7, isWanted: false))
        #expect(!check(patience * 7.1, isWanted: false))
    }
}
