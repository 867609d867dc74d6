// SPDX-License-Identifier: Apache-2.0

import Control
import FoundationEssentials
import Platform

/// `caravan chat`: a conversation with the model that a coordinator serves.
struct ChatCommand: Command {
    static let syntax = Syntax(
        name: "chat", summary: "Talks with the model that a running cluster serves",
        options: [
            CoordinatorAddress.urlOption, CoordinatorAddress.apiKeyFileOption,
            .init("--system", "TEXT", "what the model is told before anything else"),
            .init("-n", "N", "most tokens of an answer (default: what the context holds)"),
            .temperature, .topK, .topP, .minP, .seed,
        ],
        notes: [
            "/new begins anew, /quit or Ctrl-D ends; three double quotes begin and end a text of",
            "several lines. Ctrl-C stops an answer; what was said stays in the conversation. At",
            "the prompt it ends the chat. What can't be answered is taken back. Without a terminal",
            "each line of the input is a question, only answers are printed, and what can't be",
            "answered ends it with status 1. Unlike other commands it takes no https:// address;",
            "a tunnel, such as that of ssh -L, does instead.",
        ])

    private let coordinator: CoordinatorAddress
    private let system: String?
    private let tokenCountMax: Int?
    private let sampling: SamplingSettings
    private let seed: UInt64?

    init(_ options: Options) throws {
        coordinator = try CoordinatorAddress(options)
        system = options.text("--system")
        tokenCountMax = try options.integer("-n", in: 1...Int(Int32.max))
        // These are the API's ranges.
        sampling = try options.sampling(temperatureMax: 2)
        seed = try options.seed("--seed")
    }

    func run() throws -> Int32 {
        _ = try HTTPStream.target(of: coordinator.url)
        let apiKey = try coordinator.apiKey()
        let screen = ChatScreen()
        let current = CurrentAnswer()
        return try Supervisor.run(
            absorb: { signal in
                signal == Signals.interrupt && screen.isInteractive && current.stop()
            },
            stop: { signal in
                // Nothing is held that does not end with the process, and a read of standard input
                // would not end before.
                ChatScreen.leave()
                exitProcess(status: 128 + signal)
            }
        ) { [self] in
            try chat(on: screen, current, apiKey: apiKey)
            return ExitStatus.done
        }
    }

    private func chat(
        on screen: ChatScreen, _ current: CurrentAnswer, apiKey: String?
    ) throws {
        var screen = screen
        if screen.isInteractive {
            screen.greet(model: try modelName(apiKey: apiKey), url: coordinator.url)
        }
        var input = LineInput.standardInput(lineBytesMax: ChatLines.textBytesMax)
        var lines = ChatLines()
        var conversation = Conversation(system: system)
        while true {
            screen.prompt(isInBlock: lines.isInBlock)
            guard let line = try input.next() else { break }
            do {
                if screen.isInteractive, line.utf8.count > ChatScreen.typedBytesMax {
                    throw ChatError.lineCut(limit: ChatScreen.typedBytesMax)
                }
                switch try lines.take(line) {
                case .ask(let text):
                    conversation.ask(text)
                    try answer(&conversation, on: &screen, current, apiKey: apiKey)
                case .restart: conversation.restart()
                case .quit: return
                case .goOn: break
                }
            } catch {
                screen.breakOff()
                guard screen.isInteractive else { throw error }
                conversation.takeBack()
                lines.takeBack()
                screen.show(error)
            }
        }
        if screen.isInteractive {
            ChatScreen.leave()
        } else if lines.isInBlock {
            throw ChatError.openBlock
        }
    }

    private func modelName(apiKey: String?) throws -> String {
        struct List: Decodable {
            struct Entry: Decodable { var id: String }
            var data: [Entry]
        }
        let body = try HTTPClient.get(coordinator.url + "/v1/models", apiKey: apiKey)
        guard let name = try? JSONDecoder().decode(List.self, from: body).data.first?.id else {
            throw HTTPClientError.notACoordinator(coordinator.url)
        }
        return name
    }

    /// Asks what the conversation ends with, shows the answer and adds it.
    private func answer(
        _ conversation: inout Conversation, on screen: inout ChatScreen, _ current: CurrentAnswer,
        apiKey: String?
    ) throws {
        let request = ChatRequest(
            conversation, sampling: sampling, seed: seed, tokenCountMax: tokenCountMax)
        current.begin()
        defer { current.end() }
        var stream = try HTTPStream(
            to: coordinator.url + "/v1/chat/completions", json: HTTPClient.json(request),
            apiKey: apiKey)
        current.connect(stream.connection)
        let text = try read(&stream, on: &screen, until: { current.isStopped })
        // Where an answer was stopped before it began there is nothing to keep.
        if text.isEmpty, current.isStopped {
            conversation.takeBack()
        } else {
            conversation.answer(text)
        }
    }

    /// What was said, in whole or until it was stopped.
    private func read(
        _ stream: inout HTTPStream, on screen: inout ChatScreen, until isStopped: () -> Bool
    ) throws -> String {
        let url = coordinator.url
        var answer: ChatAnswer?
        while true {
            let part = stream.next()
            guard !isStopped() else {
                // The terminal has echoed ^C.
                try screen.endAnswer()
                return answer?.text ?? ""
            }
            switch part {
            case .head(let status, let seconds):
                answer = try ChatAnswer(from: url, status: status, retryAfterSeconds: seconds)
            case .bytes(let bytes):
                for piece in try answer?.take(bytes) ?? [] { try show(piece, on: &screen) }
                if let answer, answer.isFinished { return answer.text }
            case .end:
                try answer?.end()
                throw ChatError.notACoordinator(url)
            case .failed(let reason):
                if answer == nil { throw HTTPClientError.unreachable(url, reason) }
                throw ChatError.brokenOff(url, reason)
            }
        }
    }

    private func show(
        _ piece: ChatAnswer.Piece, on screen: inout ChatScreen
    ) throws(OutputError) {
        switch piece {
        case .text(let text): try screen.show(text)
        case .waiting: screen.showWaiting()
        case .finished(let reason):
            try screen.endAnswer()
            guard reason == "length" else { return }
            let limit = tokenCountMax.map { "it may have \($0) tokens (-n), or " } ?? ""
            screen.note("the answer was cut: \(limit)the context is full; /new begins anew")
        }
    }
}
