// SPDX-License-Identifier: Apache-2.0

import Cluster
import Foundation
import Platform

/// `caravan top`: a running cluster, drawn anew as it changes.
struct TopCommand: Command {
    static let syntax = Syntax(
        name: "top", summary: "Shows a running cluster live: stages, streams, events",
        options: [
            CoordinatorAddress.urlOption, CoordinatorAddress.apiKeyFileOption,
            .init("--interval", "S", "seconds between two looks, 0.1 to 60 (default 1)"),
        ],
        notes: [
            "Keys: p or space pauses, q quits.",
            "Prints once where it has no terminal to draw on; without colour if NO_COLOR is set.",
        ])

    /// How long a key may wait.
    private static let keyPatience = Duration.milliseconds(50)
    /// Shorter than the time in which a signal has to end the command.
    private static let answerSeconds = 1.2
    private static let plainWidth = 80

    private let coordinator: CoordinatorAddress
    private let interval: Duration

    init(_ options: Options) throws {
        coordinator = try CoordinatorAddress(options)
        interval = .seconds(try options.number("--interval", in: 0.1...60) ?? 1)
    }

    func run() throws -> Int32 {
        let apiKey = try coordinator.apiKey()
        let isDumb = FileSystem.environment("TERM") == "dumb"
        // None may end the process while the terminal is not as it was.
        if !isDumb, Terminal.isInteractive { Signals.catchTermination() }
        guard !isDumb, let terminal = Terminal() else {
            var snapshot = TopSnapshot(url: coordinator.url)
            snapshot.take(try StatusCommand.fetch(coordinator.url, apiKey: apiKey))
            let lines = TopView(snapshot, width: Self.plainWidth, height: .max).plainLines()
            try StandardOutput.show(lines.joined(separator: "\n") + "\n")
            return ExitStatus.done
        }
        defer { terminal.restore() }
        let ending = Mailbox<Void>(capacity: 1)
        let interrupt = StopFlag()
        return try Supervisor.run(stop: { signal in
            // First of all: the process may have to end before its work does.
            terminal.restore()
            interrupt.set(signal)
        }) { [self] in
            let answers = Mailbox<Result<ClusterStatus, any Error>>(capacity: 1)
            let asking = try OSThread(name: "ask") { [self] in
                repeat {
                    let answer = Result {
                        try StatusCommand.fetch(
                            coordinator.url, apiKey: apiKey, timeoutSeconds: Self.answerSeconds)
                    }
                    answers.offer(answer)
                } while ending.take(timeout: interval) == nil && !ending.isClosed
            }
            show(answers, on: terminal, until: { interrupt.number != nil })
            terminal.restore()
            ending.close()
            asking.join()
            return interrupt.number.map { 128 + $0 } ?? ExitStatus.done
        }
    }

    /// Draws until a key or `isStopped` ends it.
    private func show(
        _ answers: Mailbox<Result<ClusterStatus, any Error>>, on terminal: Terminal,
        until isStopped: () -> Bool
    ) {
        let colour = FileSystem.environment("NO_COLOR") == nil
        var snapshot = TopSnapshot(url: coordinator.url)
        var size = terminal.size
        draw(snapshot, on: terminal, size, colour: colour)
        while !isStopped() {
            var isChanged = false
            switch terminal.nextKey(timeout: Self.keyPatience) {
            case .end, .key(UInt8(ascii: "q")), .key(UInt8(ascii: "Q")): return
            case .key(UInt8(ascii: "p")), .key(UInt8(ascii: " ")):
                snapshot.isPaused.toggle()
                isChanged = true
            case .key, .nothing: break
            }
            if let answer = answers.take(timeout: .zero), !snapshot.isPaused {
                switch answer {
                case .success(let status): snapshot.take(status)
                case .failure(let error): snapshot.problem = "\(error)"
                }
                isChanged = true
            }
            if terminal.size != size {
                size = terminal.size
                isChanged = true
            }
            if isChanged { draw(snapshot, on: terminal, size, colour: colour) }
        }
    }

    private func draw(
        _ snapshot: TopSnapshot, on terminal: Terminal, _ size: (columns: Int, rows: Int),
        colour: Bool
    ) {
        let view = TopView(snapshot, width: size.columns, height: size.rows)
        terminal.draw(view.lines(colour: colour))
    }
}
