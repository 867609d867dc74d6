// SPDX-License-Identifier: Apache-2.0

import API
import Cluster
import Control
import Model
import Platform
import Synchronization
import Wire

/// `caravan serve MODEL`: the coordinator with its HTTP API.
struct ServeCommand: Command {
    static let syntax = Syntax(
        name: "serve", summary: "Serves a model over the OpenAI HTTP API", operands: ["MODEL"],
        options: [
            .init("--listen", "HOST:PORT", "where the API listens (default 127.0.0.1:8080)"),
            .init(
                "--workers-listen", "HOST:PORT",
                "where workers join (default 0.0.0.0:7070; with --local or --plaintext "
                    + "127.0.0.1:7070)"),
            SecurityChoice.tokenFileOption, SecurityChoice.plaintextOption,
            .init("--local", "N", "start N workers on this machine"),
            .init(
                "--expect", "N",
                "workers that the first plan waits for, local ones included (default: the local "
                    + "ones; or those that served last, or come within "
                    + "\(ClusterLimits.settleTime.components.seconds) s of each other)"),
            .threads.needing("--local"),
            .context,
            .init(
                "--slots", "N",
                "sequences computed at once (default \(ClusterLimits.defaultSlotCount))"),
            .init(
                "--prefill-chunk", "N",
                "rows of prompts in a step that also generates, at most "
                    + "\(ClusterLimits.rowCountMax) (default: what at most doubles its time)"),
            .guess,
            .kvMemory,
            .init(
                "--api-key-file", "FILE",
                "a file whose first line clients must send as key (without it the API on loopback "
                    + "answers only at localhost, 127.0.0.1 and [::1])"),
            .init(
                "--model-name", "NAME",
                "what the API calls the model, beside its file's name (default: that alone)"),
            .apiTemperature, .topK, .topP, .minP,
            .cache,
            .wire,
            .kv,
            .optimise,
        ],
        notes: [
            "--temperature, --top-k, --top-p and --min-p are for requests that do not say.", "",
        ] + Syntax.kvNotes)

    private let modelPath: String
    private let listen: SocketAddress
    private let workersListen: SocketAddress
    private let apiKeyFile: String?
    private let modelName: String?
    private let sampling: SamplingSettings
    private let security: SecurityChoice
    private let configuration: CoordinatorConfiguration

    init(_ options: Options) throws {
        modelPath = options.operands[0]
        let text = options.text("--listen") ?? "127.0.0.1:8080"
        guard let address = SocketAddress(text) else {
            throw UsageError.badValue("--listen", text, "HOST:PORT, such as 127.0.0.1:8080")
        }
        listen = address
        apiKeyFile = options.text("--api-key-file")
        modelName = options.text("--model-name")
        guard modelName != "" else {
            throw UsageError.badValue("--model-name", "", "a name that is not empty")
        }
        sampling = try options.sampling(
            temperature: SamplingSettings().temperature, temperatureMax: 2)
        let localCount = try options.integer("--local", in: 1...64) ?? 0
        security = try SecurityChoice(options)
        // Local workers need no port that others can reach; who wants them as well says so.
        let isLocal = localCount > 0 || security.isPlaintext
        let workersStandard = isLocal ? "127.0.0.1:7070" : "0.0.0.0:7070"
        workersListen = try options.address("--workers-listen", workersStandard, security)
        configuration = CoordinatorConfiguration(
            placement: .workers(
                listen: workersListen, localCount: localCount,
                threadCount: try options.threadCount(sharers: localCount)),
            // A worker joins only while there are fewer than stages in the longest plan.
            expectedWorkers: try options.integer(
                "--expect", in: max(1, localCount)...Limits.stagesMax),
            // The real one is read when it is run.
            security: .token(ClusterToken()),
            contextLength: try options.integer("--context", in: 8...Int(Int32.max)),
            slotCount: try options.integer("--slots", in: 1...ClusterLimits.slotCountMax)
                ?? ClusterLimits.defaultSlotCount,
            kvByteCount: try options.byteCount("--kv-memory"),
            cacheDirectory: try options.cacheDirectory(),
            wireType: try options.wireType(), cacheType: try options.cacheType(),
            objective: try options.objective(),
            prefillChunk: try options.integer("--prefill-chunk", in: 1...ClusterLimits.rowCountMax),
            guessCountMax: try options.guessCountMax())
    }

    func run() throws -> Int32 {
        DescriptorLimit.raise()
        let apiKey = try apiKeyFile.map(APIKeyFile.read)
        let model = try LoadedModel(
            path: modelPath, contextLength: configuration.contextLength ?? .max)
        try ContextError.check(
            configuration.contextLength, limit: model.hyperparameters.contextLength)
        if case .failure(let error)? = model.served.chatTemplate {
            Log.warning("\(error); texts can be completed, chats are refused")
        }
        // A model that was never served is hashed before anything listens, which takes minutes.
        try PassiveSocket.check([listen, workersListen])
        var configuration = configuration
        configuration.security = try security.forCoordinator()
        // Closed when it is told to end; holds why it ends by itself.
        let ending = Mailbox<GenerationError>(capacity: 1)
        return try Supervisor.run(stop: { _ in ending.close() }) { [configuration] in
            let coordinator: Coordinator
            do {
                coordinator = try Coordinator(
                    model: model, configuration: configuration,
                    onFailure: { ending.offer($0) }, unless: { ending.isClosed })
            } catch is HashingStopped {
                return ExitStatus.done
            }
            defer { coordinator.stop() }
            let server = try HTTPServer(
                address: listen.host, port: listen.port, generator: coordinator, apiKey: apiKey,
                modelName: modelName, sampling: sampling)
            defer { server.stop() }
            let api = SocketAddress(host: listen.host, port: server.port)
            Log.info("serving \(modelName ?? coordinator.model.name) on http://\(api)")
            if apiKey == nil, !listen.isLoopback {
                Log.warning(
                    "whoever reaches \(api) may use the model and drain workers; "
                        + "serve with --api-key-file FILE, or listen on 127.0.0.1")
            }
            if let address = coordinator.workersAddress {
                for line in try security.invitation(to: address) { Log.info(line) }
            }
            let ready = coordinator.awaitReady(until: { ending.isClosed }) {
                ProgressLine.show($0)
            }
            ProgressLine.clear()
            switch ready {
            case .ready: Log.info("ready: \(coordinator.status().stages.count) stages")
            case .failed(let error): throw error
            case .stopped: return ExitStatus.done
            }
            if let failure = ending.take() { throw failure }
            return ExitStatus.done
        }
    }
}

/// Reads the key that clients have to send.
enum APIKeyFile {
    static func read(_ path: String) throws(APIKeyError) -> String {
        // A line may end as on Windows, which is one character to Swift.
        guard let line = SmallFile.read(path)?.split(whereSeparator: \.isNewline).first else {
            throw .unreadable(path)
        }
        return String(line)
    }
}

enum APIKeyError: Error, CustomStringConvertible {
    case unreadable(String)

    var description: String {
        switch self {
        case .unreadable(let path):
            "cannot read an API key from \(path); the file's first line has to be the key"
        }
    }
}
