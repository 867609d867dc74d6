// SPDX-License-Identifier: Apache-2.0

import Cluster
import Control
import FoundationEssentials
import Model
import Platform
import Wire

/// `caravan run MODEL -p TEXT`: continues one prompt and prints it.
struct RunCommand: Command {
    static let syntax = Syntax(
        name: "run", summary: "Continues one prompt and prints the result", operands: ["MODEL"],
        options: [
            .init("-p", "TEXT", "the prompt (required)"),
            .init("--chat", nil, "ask the prompt as a user's message, by the model's template"),
            .init("-n", "N", "most tokens to generate (default 128)"),
            .temperature, .topK, .topP, .minP, .seed,
            .init(
                "--local", "N",
                "compute in N worker processes on this machine (default: one stage in-process)"
            ),
            .threads,
            .cache.needing("--local"),
            .wire.needing("--local"),
            .kv,
            .guess,
            .init("--json", nil, "print one JSON object with token ids and speeds"),
        ])

    private let modelPath: String
    private let prompt: String
    private let isChat: Bool
    private let asJSON: Bool
    private let tokenCountMax: Int
    private let sampling: SamplingSettings
    private let placement: CoordinatorConfiguration.Placement
    private let cacheDirectory: String
    private let wireType: WireType
    private let cacheType: CacheType
    private let guessCountMax: Int

    init(_ options: Options) throws {
        modelPath = options.operands[0]
        prompt = try options.required("-p")
        isChat = options.has("--chat")
        asJSON = options.has("--json")
        tokenCountMax = try options.integer("-n", in: 1...Int(Int32.max)) ?? 128
        var sampling = try options.sampling()
        sampling.seed = try options.seed("--seed") ?? Randomness.word()
        self.sampling = sampling
        let localCount = try options.integer("--local", in: 1...64)
        let threadCount = try options.threadCount(sharers: localCount ?? 1)
        placement =
            localCount.map {
                .workers(
                    listen: SocketAddress(host: "127.0.0.1", port: 0), localCount: $0,
                    threadCount: threadCount)
            } ?? .inProcess(threadCount: threadCount)
        cacheDirectory = try localCount == nil ? "" : options.cacheDirectory()
        wireType = try options.wireType()
        cacheType = try options.cacheType()
        guessCountMax = try options.guessCountMax()
    }

    func run() throws -> Int32 {
        // The answer is what counts here; serving is where the log is read.
        Log.setThreshold(.warning)
        let (model, tokens) = try prepare()
        let configuration = CoordinatorConfiguration(
            placement: placement, security: .token(ClusterToken()),
            contextLength: model.served.contextLength, slotCount: 1,
            cacheDirectory: cacheDirectory, wireType: wireType, cacheType: cacheType,
            guessCountMax: guessCountMax)
        let interrupt = StopFlag()
        let printsText = !asJSON
        return try Supervisor.run(stop: { interrupt.set($0) }) { [self] in
            let coordinator: Coordinator
            do {
                coordinator = try Coordinator(
                    model: model, configuration: configuration,
                    unless: { interrupt.number != nil })
            } catch is HashingStopped {
                return 128 + (interrupt.number ?? 0)
            }
            defer { coordinator.stop() }
            let ready = coordinator.awaitReady(until: { interrupt.number != nil }) {
                ProgressLine.show($0)
            }
            ProgressLine.clear()
            if case .failed(let error) = ready { throw error }
            var output = RunOutput(promptTokens: tokens)
            let events = Mailbox<GenerationEvent>(capacity: tokenCountMax + 16)
            if case .ready = ready {
                let request = GenerationRequest(
                    prompt: tokens, sampling: sampling, tokenCountMax: tokenCountMax)
                _ = try coordinator.submit(request) { events.offer($0) }
            }
            while interrupt.number == nil {
                guard let event = events.take(timeout: .milliseconds(100)) else { continue }
                let text = try output.take(event)
                if printsText { try StandardOutput.show(answer: text) }
                if output.isFinished { break }
            }
            if let signal = interrupt.number { return 128 + signal }
            try StandardOutput.show(answer: printsText ? "\n" : try output.json() + "\n")
            return ExitStatus.done
        }
    }

    /// The model with room for prompt and answer, and the prompt's tokens.
    private func prepare() throws -> (LoadedModel, [UInt32]) {
        let whole = try LoadedModel(path: modelPath, contextLength: .max)
        let tokens: [UInt32]
        do throws(PromptError) {
            let message = ChatMessage(role: "user", content: prompt)
            tokens =
                isChat
                ? try whole.served.prompt(of: [message], now: .now())
                : whole.served.prompt(of: prompt)
        } catch {
            throw RunError.cannotChat(modelPath, error)
        }
        guard tokens.count < whole.served.contextLength else {
            throw GenerationError.promptTooLong(
                tokens: tokens.count, contextLength: whole.served.contextLength)
        }
        let wanted = tokens.count.addingReportingOverflow(tokenCountMax).partialValue
        return (whole.limited(toContext: max(8, wanted)), tokens)
    }
}

enum RunError: Error, CustomStringConvertible {
    case cannotChat(String, PromptError)

    var description: String {
        switch self {
        case .cannotChat(let path, let error):
            "\(path): \(error); leave --chat out and write the prompt in full"
        }
    }
}
