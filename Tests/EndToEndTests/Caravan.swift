// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport

/// The executable under test.
enum Caravan {
    /// `$CARAVAN_BINARY`, else the one built beside these tests, else the release build.
    static func path() throws -> String {
        let package = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let beside = CommandLine.arguments.compactMap { argument in
            argument.contains(".xctest")
                ? URL(filePath: argument).deletingLastPathComponent() : nil
        }.map { $0.appending(path: "caravan").path }
        let release = package.appending(path: ".build/release/caravan").path
        let named = ProcessInfo.processInfo.environment["CARAVAN_BINARY"].map { [$0] }
        let found = (named ?? beside + [release]).first {
            FileManager.default.isExecutableFile(atPath: $0)
        }
        guard let found else { throw HarnessError.noBinary(named?.first ?? release) }
        return found
    }

    static func start(
        _ arguments: [String], input: String = "/dev/null", in directory: TemporaryDirectory
    ) throws -> RunningProcess {
        try RunningProcess(path(), arguments, input: input, in: directory)
    }

    /// Runs it to its end.
    static func run(
        _ arguments: [String], input: String = "/dev/null", in directory: TemporaryDirectory
    ) throws -> (status: Int32, output: String, errors: String) {
        let process = try start(arguments, input: input, in: directory)
        let status = try process.waitForExit(.seconds(180))
        return (status, process.output, process.errors)
    }
}
