// SPDX-License-Identifier: Apache-2.0

import Cluster
import Control
import Model
import Platform
import Wire

/// `caravan bench MODEL`: tokens per second, and what share of the memory's speed that is.
struct BenchCommand: Command {
    static let syntax = Syntax(
        name: "bench", summary: "Measures tokens per second, by requests like any other",
        operands: ["MODEL"],
        options: [
            .init(
                "--local", "N",
                "compute in N worker processes on this machine (default: one stage in-process)"
            ),
            .threads,
            .init("--prompt", "N", "tokens of the prompt that is prefilled (default 512)"),
            .init("--generate", "N", "tokens that each stream generates (default 128)"),
            .init("--streams", "N,…", "streams that generate at once (default 1,4)"),
            .init("--depth", "N,…", "tokens each stream has before it generates (default 0)"),
            .init("--repeat", "N", "runs, of which the median counts (default 3)"),
            .cache.needing("--local"),
            .wire.needing("--local"),
            .kv,
            .optimise.needing("--local"),
            .init("--plaintext", nil, "links without encryption, to compare").needing("--local"),
            .init("--json", nil, "print the same as one JSON object"),
        ],
        notes: [
            "GB/s are those of weights read: a step that decodes reads all layers once, whatever",
            "its rows, and the output matrix once for every \(StageCost.headRows) of them.",
            "The share is of the speed at which as many threads read plain memory right before and",
            "after each run; with --local those of the workers that have something to do at once.",
            "Busy is the share of the time in which each stage computed.",
            "What is predicted is predicted for the first --depth.",
        ])

    private let modelPath: String
    private let plan: BenchPlan
    private let localCount: Int?
    private let threadCount: Int
    private let cacheDirectory: String
    private let security: StreamSecurity
    private let wireType: WireType
    private let cacheType: CacheType
    private let objective: PlannerGoal.Objective
    private let asJSON: Bool

    init(_ options: Options) throws {
        modelPath = options.operands[0]
        localCount = try options.integer("--local", in: 1...64)
        threadCount = try options.threadCount(sharers: localCount ?? 1)
        let lengths = 1...(1 << 22)
        plan = BenchPlan(
            promptLength: try options.integer("--prompt", in: lengths) ?? 512,
            generateLength: try options.integer("--generate", in: lengths) ?? 128,
            streams: try options.integers("--streams", in: 1...ClusterLimits.slotCountMax) ?? [
                1, 4,
            ],
            depths: try options.integers("--depth", in: 0...(1 << 22)) ?? [0],
            repeatCount: try options.integer("--repeat", in: 1...1000) ?? 3)
        security = options.has("--plaintext") ? .plaintext : .token(ClusterToken())
        cacheDirectory = try localCount == nil ? "" : options.cacheDirectory()
        wireType = try options.wireType()
        cacheType = try options.cacheType()
        objective = try options.objective()
        asJSON = options.has("--json")
    }

    func run() throws -> Int32 {
        // What is measured is printed; the log would only disturb it.
        Log.setThreshold(.warning)
        let whole = try LoadedModel(path: modelPath, contextLength: .max)
        let contextLength = plan.contextLength
        guard contextLength <= whole.served.contextLength else {
            throw BenchError.contextTooShort(
                needed: contextLength, limit: whole.served.contextLength)
        }
        let model = whole.limited(toContext: contextLength)
        let interrupt = StopFlag()
        return try Supervisor.run(stop: { interrupt.set($0) }) { [self] in
            // Whatever ends it: the shell's prompt comes next.
            defer { ProgressLine.clear() }
            ProgressLine.show("measuring memory")
            var memory = try MemorySpeed(threadCount: threadCount, stageCount: localCount ?? 1)
            let start = MonotonicClock.now()
            let coordinator = try Coordinator(
                model: model, configuration: configuration(contextLength))
            defer { coordinator.stop() }
            let ready = coordinator.awaitReady(until: { interrupt.number != nil }) {
                ProgressLine.show($0)
            }
            if let signal = interrupt.number { return 128 + signal }
            if case .failed(let error) = ready { throw error }
            let loadTime = MonotonicClock.now() - start
            let status = coordinator.status()
            try checkPages(status)
            let runner = BenchRunner(
                coordinator: coordinator, vocabularyCount: model.hyperparameters.vocabularySize,
                stageCount: max(1, status.stages.count),
                isStopped: { interrupt.number != nil })
            guard let results = try runner.run(plan, beside: &memory) else {
                return 128 + (interrupt.number ?? 0)
            }
            ProgressLine.clear()
            let report = BenchReport(
                results, plan: plan, model: model, status: reportedStatus(coordinator),
                threadCount: threadCount, localCount: localCount, memory: memory,
                loadTime: loadTime)
            try StandardOutput.show(answer: asJSON ? try report.json() + "\n" : report.text)
            return ExitStatus.done
        }
    }

    /// A plan may grant fewer pages than all slots would fill, and streams would wait for others.
    private func checkPages(_ status: ClusterStatus) throws(BenchError) {
        let needed = plan.pageCount(pageTokens: status.pageTokens)
        guard needed > status.pageCount else { return }
        throw .pagesShort(
            needed: needed * status.pageTokens, held: status.pageCount * status.pageTokens)
    }

    /// The status once every worker has told of its memory with the weights in it: a heartbeat
    /// that tells of steps does, and a short run may be over before it.
    private func reportedStatus(_ coordinator: Coordinator) -> ClusterStatus {
        let clock = Mailbox<Void>(capacity: 1)
        let end = MonotonicClock.now() + ClusterLimits.heartbeatTimeout
        var status = coordinator.status()
        while status.stages.contains(where: { $0.stepCount == 0 }),
            MonotonicClock.now() < end
        {
            _ = clock.take(timeout: ClusterLimits.tickInterval)
            status = coordinator.status()
        }
        return status
    }

    private func configuration(_ contextLength: Int) -> CoordinatorConfiguration {
        let placement: CoordinatorConfiguration.Placement =
            localCount.map {
                .workers(
                    listen: SocketAddress(host: "127.0.0.1", port: 0), localCount: $0,
                    threadCount: threadCount)
            } ?? .inProcess(threadCount: threadCount)
        return CoordinatorConfiguration(
            placement: placement, security: security, contextLength: contextLength,
            slotCount: plan.slotCount, cacheDirectory: cacheDirectory, wireType: wireType,
            cacheType: cacheType, objective: objective, depth: plan.meanDepth,
            prefillChunk: BenchPlan.prefillChunk,
            // A synthetic model repeats itself far more than one that has learned something.
            guessCountMax: 0)
    }
}

enum BenchError: Error, CustomStringConvertible {
    case contextTooShort(needed: Int, limit: Int)
    case pagesShort(needed: Int, held: Int)
    case endedEarly

    var description: String {
        switch self {
        case .contextTooShort(let needed, let limit):
            "the runs need \(needed) tokens of context and the model takes \(limit); "
                + "use a smaller --prompt, --depth, --generate or --streams"
        case .pagesShort(let needed, let held):
            "the runs need keys and values of \(needed) tokens at once and memory holds \(held); "
                + "use fewer --streams, a smaller --depth or --generate, or --kv q8"
        case .endedEarly: "a stream ended before it was measured; please report this"
        }
    }
}
