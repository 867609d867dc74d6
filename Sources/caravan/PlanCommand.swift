// SPDX-License-Identifier: Apache-2.0

import Cluster
import Control
import Model
import Platform
import Wire

/// `caravan plan MODEL`: which box would run which layers, and how fast, before anything moves.
struct PlanCommand: Command {
    static let syntax = Syntax(
        name: "plan", summary: "Predicts how a model would run on boxes, real or imagined",
        operands: ["MODEL"],
        options: [
            .init("--node", "SPEC", "boxes to plan for; may be given several times", isList: true),
            .init("--url", "URL", "a running coordinator whose workers to plan for instead"),
            CoordinatorAddress.apiKeyFileOption.needing("--url"),
            .init(
                "--streams", "N",
                "sequences at once (default \(ClusterLimits.defaultSlotCount))"),
            .context,
            .kvMemory,
            .optimise,
            .wire,
            .kv,
            .init(
                "--type", "TYPE",
                "for shapes, as in 'caravan synth' (default \(PlannableModel.defaultType))"),
            .init("--json", nil, "print the same as one JSON object"),
        ],
        notes: [
            "MODEL is a GGUF file or a shape that needs no file:",
            SyntheticShape.all.map(\.name).joined(separator: " "),
            "SPEC is memory=SIZE,bandwidth=RATE and, as known, int8=RATE, name=TEXT, count=N,",
            "rtt=TIME, link=RATE: memory=64GiB,bandwidth=40GB/s,int8=2TOP/s,link=10Gbit/s,count=6.",
            "memory is what Caravan may use of the box. Exit status 1: the boxes are too small.",
        ] + Syntax.plannedKVNotes)

    private let modelText: String
    private let type: String?
    private let nodes: [NodeSpec]
    private let url: String?
    private let apiKeyFile: String?
    private let streams: Int
    private let contextLength: Int?
    private let kvByteCount: Int?
    private let objective: PlannerGoal.Objective
    private let wireType: WireType
    private let cacheType: CacheType
    private let asJSON: Bool

    init(_ options: Options) throws {
        modelText = options.operands[0]
        type = options.text("--type")
        nodes = try options.list("--node").map(NodeSpec.init)
        url = try CoordinatorAddress.url(in: options)
        guard nodes.isEmpty != (url == nil) else {
            throw UsageError.badValue(
                "--node", nodes.isEmpty ? "missing" : "given beside --url", "one of the two")
        }
        apiKeyFile = options.text("--api-key-file")
        streams =
            try options.integer("--streams", in: 1...ClusterLimits.slotCountMax)
            ?? ClusterLimits.defaultSlotCount
        contextLength = try options.integer("--context", in: 8...(1 << 24))
        kvByteCount = try options.byteCount("--kv-memory")
        objective = try options.objective()
        wireType = try options.wireType()
        cacheType = try options.cacheType()
        asJSON = options.has("--json")
    }

    func run() throws -> Int32 {
        let model = try PlannableModel(modelText, type: type)
        let limit = model.hyperparameters.contextLength
        try ContextError.check(contextLength, limit: limit)
        let context = contextLength ?? limit
        let (workers, links) = try url.map(workersOfCluster) ?? (imaginedWorkers, [:])
        guard !workers.isEmpty else { throw PlanError.noWorkers(url ?? "") }
        let pages = try PageDemand(
            model.hyperparameters, slotCount: streams, contextLength: contextLength,
            kvByteCount: kvByteCount, cacheType: cacheType)
        let planner = Planner(
            model: model.plannerModel(
                pages: pages, contextLength: context, wireType: wireType, cacheType: cacheType),
            goal: PlannerGoal(
                objective: objective, streams: streams,
                rowCountMax: ClusterLimits.rowCountMax,
                depth: min(PlanPrediction.promptLength, context)))
        let report = PlanReport(
            model: model, planner: planner, workers: workers, links: links, pages: pages,
            context: context,
            assumesArithmetic: nodes.contains(where: \.assumesArithmetic))
        try StandardOutput.show(answer: asJSON ? try report.json() + "\n" : report.text)
        return report.fits ? ExitStatus.done : ExitStatus.failed
    }

    private var imaginedWorkers: [PlannerWorker] {
        nodes.reduce(into: []) { $0 += $1.workers(after: $0.count) }
    }

    /// What the members of a running cluster measured, and the links between its stages.
    private func workersOfCluster(
        _ url: String
    ) throws -> (workers: [PlannerWorker], links: [WorkerPair: NetworkPath]) {
        let apiKey = try apiKeyFile.map(APIKeyFile.read)
        let status = try StatusCommand.fetch(url, apiKey: apiKey)
        let workers = try PlannerWorker.members(of: status)
        return (workers, links(of: status.stages, workers))
    }

    private func links(
        of stages: [StageStatus], _ workers: [PlannerWorker]
    ) -> [WorkerPair: NetworkPath] {
        var links: [WorkerPair: NetworkPath] = [:]
        for (stage, next) in zip(stages, stages.dropFirst()) {
            guard let from = workers.first(where: { $0.name == stage.worker }),
                let to = workers.first(where: { $0.name == next.worker }),
                let path = NetworkPath(
                    microseconds: stage.nextRoundTripMicroseconds,
                    bytesPerSecond: stage.nextBytesPerSecond)
            else { continue }
            links[WorkerPair(from: from.node, to: to.node)] = path
        }
        return links
    }
}

enum PlanError: Error, CustomStringConvertible {
    case noWorkers(String)
    case unmeasured(String)

    var description: String {
        switch self {
        case .noWorkers(let url):
            "no worker has joined the coordinator at \(url); start some, or describe them by --node"
        case .unmeasured(let name):
            "worker \(name) has not measured its speed; restart it with this release"
        }
    }
}
