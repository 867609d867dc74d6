// SPDX-License-Identifier: Apache-2.0

import Platform

/// `caravan token new`: makes a cluster token.
struct TokenCommand: Command {
    static let syntax = Syntax(
        name: "token", summary: "Prints a fresh cluster token ('caravan token new')",
        operands: ["new"], options: [],
        notes: [
            "A token lets its holder join the cluster: keep it in a file that you alone can read.",
            "'caravan token new > FILE' makes FILE such a one, for --token-file.",
        ])

    init(_ options: Options) throws {
        guard options.operands == ["new"] else {
            throw UsageError.badValue("the operand", options.operands[0], "new")
        }
    }

    func run() throws -> Int32 {
        StandardOutput.keepPrivate()
        try StandardOutput.show(ClusterToken().text + "\n")
        return ExitStatus.done
    }
}
