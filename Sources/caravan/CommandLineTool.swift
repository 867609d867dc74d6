// SPDX-License-Identifier: Apache-2.0

import Cluster
import Platform

/// The `caravan` command: finds the command named, runs it, turns errors into one line.
enum CommandLineTool {
    static var commands: [any Command.Type] {
        [
            RunCommand.self, ServeCommand.self, WorkerCommand.self, InspectCommand.self,
            StatusCommand.self, TopCommand.self, ChatCommand.self, DrainCommand.self,
            PlanCommand.self, BenchCommand.self, PerplexityCommand.self, SynthCommand.self,
            TokenCommand.self,
        ]
    }

    /// Does what the process was started for, and returns its exit status: 0 done, 1 failed, 64
    /// wrong usage.
    static func run() -> Int32 {
        do {
            return run(try ProcessArguments.read())
        } catch {
            StandardError.write("caravan: \(error)\n")
            return ExitStatus.usage
        }
    }

    private static func run(_ arguments: [String]) -> Int32 {
        guard let name = arguments.first else {
            StandardError.write(overview)
            return ExitStatus.usage
        }
        switch name {
        case "--help", "-h", "help":
            return shown(overview)
        case "--version":
            return shown("caravan \(CaravanVersion.text)\n")
        default:
            guard let command = commands.first(where: { $0.syntax.name == name }) else {
                return report(.unknownCommand(name), command: nil)
            }
            return run(command, Array(arguments.dropFirst()))
        }
    }

    private static func run(_ command: any Command.Type, _ arguments: [String]) -> Int32 {
        do {
            return try command.init(try Options(arguments, command.syntax)).run()
        } catch UsageError.asksForHelp {
            return shown(command.syntax.help)
        } catch let error as UsageError {
            return report(error, command: command.syntax.name)
        } catch let error as OutputError where error.hasNoReader {
            return OutputError.noReaderStatus
        } catch {
            return report(error, by: "caravan \(command.syntax.name)")
        }
    }

    private static func shown(_ text: String) -> Int32 {
        do {
            try StandardOutput.show(text)
            return ExitStatus.done
        } catch {
            return error.hasNoReader ? OutputError.noReaderStatus : report(error, by: "caravan")
        }
    }

    private static func report(_ error: any Error, by name: String) -> Int32 {
        ProgressLine.clear()
        StandardError.write("\(name): \("\(error)".escapingControls)\n")
        return ExitStatus.failed
    }

    private static func report(_ error: UsageError, command: String?) -> Int32 {
        let name = ["caravan", command].compactMap { $0 }.joined(separator: " ")
        let text = "\(error)".escapingControls
        StandardError.write("\(name): \(text); see '\(name) --help'\n")
        return ExitStatus.usage
    }

    private static var overview: String {
        let width = commands.map { $0.syntax.name.count }.max() ?? 0
        let lines = commands.map { command in
            "  \(command.syntax.name.padded(to: width))  \(command.syntax.summary)\n"
        }
        return """
            caravan \(CaravanVersion.text): serves a large language model from several machines

            usage: caravan COMMAND [options]

            \(lines.joined())
            'caravan COMMAND --help' tells what each takes; 'caravan --version' names the release.

            """
    }
}

/// One command of the tool.
protocol Command {
    static var syntax: Syntax { get }
    /// Reads the options. Throws `UsageError`.
    init(_ options: Options) throws
    /// Does the work; returns the exit status.
    func run() throws -> Int32
}

enum ExitStatus {
    static let done: Int32 = 0
    static let failed: Int32 = 1
    static let usage: Int32 = 64
}
