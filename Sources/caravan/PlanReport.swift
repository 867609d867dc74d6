// SPDX-License-Identifier: Apache-2.0

import Control
import Model
import Wire

/// What `caravan plan` found; `text` and `json()` say the same.
struct PlanReport: Encodable {
    struct Stage: Encodable {
        let worker: String
        let layerStart: Int
        let layerEnd: Int
        let needBytes: UInt64
        let memoryBytes: UInt64
        /// To the coordinator; nil if not known.
        let linkBytesPerSecond: Double?
        /// For a step of one row.
        let seconds: Double
    }

    struct LeftOut: Encodable {
        let worker: String
        let reason: String
    }

    /// With one more box like the last.
    struct More: Encodable {
        let like: String
        let tokensPerSecondOfOneStream: Double
        let tokensPerSecondOfAllStreams: Double
    }

    let model: String
    let modelBytes: Int
    let objective: String
    let streams: Int
    /// Tokens that a sequence may have, and of the pages that all of them share.
    let contextLength: Int
    let pageCount: Int
    let pageTokens: Int
    let pageBytes: UInt64
    /// GiB that the boxes are short of; nil if the model fits.
    let missingBytes: UInt64?
    /// The weights fit, but only a context that is so much shorter than the least that would do.
    let contextLengthThatFits: Int?
    let contextLengthMin: Int?
    let stages: [Stage]
    let leftOut: [LeftOut]
    let tokensPerSecondOfOneStream: Double?
    let tokensPerSecondOfAllStreams: Double?
    /// Positions that the streams have meanwhile.
    let depth: Int?
    let promptLength: Int?
    let secondsToFirstToken: Double?
    let contextLengthMax: Int?
    let limit: String?
    let withOneMore: More?
    let assumesArithmetic: Bool

    var fits: Bool { missingBytes == nil && contextLengthThatFits == nil }

    init(
        model: PlannableModel, planner: Planner, workers: [PlannerWorker],
        links: [WorkerPair: NetworkPath], pages: PageDemand, context: Int, assumesArithmetic: Bool
    ) {
        self.model = model.name
        modelBytes = model.byteCount
        objective = planner.goal.objective.rawValue
        streams = planner.goal.streams
        self.assumesArithmetic = assumesArithmetic
        let byNode = Dictionary(
            workers.map { ($0.node, $0) }, uniquingKeysWith: { first, _ in first })
        let plan: Plan?
        let short: PlannerFailure?
        (plan, short) = Self.outcome(planner, workers, links)
        switch short {
        case .notEnoughMemory(let bytes):
            (missingBytes, contextLengthMin, contextLengthThatFits) = (bytes, nil, nil)
        case .contextTooLong(let wanted, let fits):
            (missingBytes, contextLengthMin, contextLengthThatFits) = (nil, wanted, fits)
        case nil: (missingBytes, contextLengthMin, contextLengthThatFits) = (nil, nil, nil)
        }
        pageCount = plan?.pageCount ?? pages.wanted
        pageTokens = pages.pagePositionCount
        pageBytes = pages.pageBytes * UInt64(model.hyperparameters.layerCount)
        contextLength = min(context, pageCount * pageTokens)
        let found = plan?.prediction
        stages = (plan?.stages ?? []).enumerated().map { index, stage in
            Stage(
                worker: stage.name, layerStart: stage.layers.lowerBound,
                layerEnd: stage.layers.upperBound, needBytes: stage.needBytes,
                memoryBytes: byNode[stage.node]?.memoryBudgetBytes ?? 0,
                linkBytesPerSecond: byNode[stage.node]?.path.flatMap {
                    $0.bytesPerSecond == NetworkPath.unmeasured.bytesPerSecond
                        ? nil : $0.bytesPerSecond
                },
                seconds: found.map { $0.stages[index].seconds } ?? 0)
        }
        leftOut = (plan?.leftOut ?? []).map { LeftOut(worker: $0.name, reason: $0.reason) }
        tokensPerSecondOfOneStream = found?.singleStreamTokensPerSecond
        tokensPerSecondOfAllStreams = found?.tokensPerSecond
        depth = found?.depth
        promptLength = found?.promptLength
        secondsToFirstToken = found?.firstTokenSeconds
        contextLengthMax = found?.contextLengthMax.map {
            min($0, model.hyperparameters.contextLength)
        }
        limit = found?.limit.description
        withOneMore = found == nil ? nil : Self.more(planner, workers, links)
    }

    /// The plan, or why there is none.
    private static func outcome(
        _ planner: Planner, _ workers: [PlannerWorker], _ links: [WorkerPair: NetworkPath]
    ) -> (Plan?, PlannerFailure?) {
        do throws(PlannerFailure) {
            return (try planner.plan(workers: workers, links: links), nil)
        } catch {
            return (nil, error)
        }
    }

    /// Plans again with one more box.
    private static func more(
        _ planner: Planner, _ workers: [PlannerWorker], _ links: [WorkerPair: NetworkPath]
    ) -> More? {
        guard var copy = workers.last else { return nil }
        let like = copy.name
        copy.node.high = .max
        copy.name += " (one more)"
        copy.host = nil
        let plan = try? planner.plan(workers: workers + [copy], links: links)
        guard let found = plan?.prediction else { return nil }
        return More(
            like: like, tokensPerSecondOfOneStream: found.singleStreamTokensPerSecond,
            tokensPerSecondOfAllStreams: found.tokensPerSecond)
    }
}
