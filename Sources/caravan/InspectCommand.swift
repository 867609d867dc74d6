// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Model
import Platform

/// `caravan inspect MODEL`: what a model file holds.
struct InspectCommand: Command {
    static let syntax = Syntax(
        name: "inspect", summary: "Shows what a model file holds", operands: ["MODEL"],
        options: [.init("--json", nil, "print the same as one JSON object")])

    private let path: String
    private let asJSON: Bool

    init(_ options: Options) {
        path = options.operands[0]
        asJSON = options.has("--json")
    }

    func run() throws -> Int32 {
        let report = InspectReport(file: try ModelFile(path: path))
        if asJSON {
            try StandardOutput.show(
                answer: try report.json([.prettyPrinted, .withoutEscapingSlashes]) + "\n")
        } else {
            try StandardOutput.show(report.text.escapingControlsButLayout)
        }
        return ExitStatus.done
    }
}
