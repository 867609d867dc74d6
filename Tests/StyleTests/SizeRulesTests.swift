// SPDX-License-Identifier: Apache-2.0

import Testing

/// Each rule finds a bad sample and passes a good one.
struct SizeRulesTests {
    private func file(_ path: String, lines: Int) -> SourceText {
        SourceText(path: path, text: String(repeating: "let a = 1\n", count: lines))
    }

    @Test func longFile() {
        let faults = SizeRules.fileSizes(
            [file("a.swift", lines: 501)] + (0..<30).map { file("\($0).c", lines: 100) })
        #expect(faults.count == 1 && faults[0].hasPrefix("a.swift: 501 lines"))
        #expect(SizeRules.fileSizes([file("a.json", lines: 9000)]).isEmpty)
    }

    @Test func typicalFile() {
        let faults = SizeRules.fileSizes((0..<10).map { file("\($0).swift", lines: 151) })
        #expect(faults == ["median file: 151 lines, at most 150"])
        let short = (0..<19).map { file("\($0).swift", lines: 10) }
        let tail = (0..<2).map { file("long\($0).swift", lines: 401) }
        #expect(SizeRules.fileSizes(short + tail).first?.hasPrefix("95th percentile") == true)
        #expect(SizeRules.fileSizes(short + tail.prefix(1)) == [])
    }

    private func function(_ name: String, lines: Int) -> String {
        "func \(name)() {\n" + String(repeating: "    work()\n", count: lines - 2) + "}\n"
    }

    @Test func longFunction() {
        let short = (0..<40).map { function("short\($0)", lines: 5) }.joined()
        let text = short + function("long", lines: 71)
        let files = [SourceText(path: "Sources/A/B.swift", text: text)]
        #expect(
            SizeRules.functionSizes(files, straightLine: []) == [
                "Sources/A/B.swift:201: long has 71 lines, at most 70"
            ])
        #expect(SizeRules.functionSizes(files, straightLine: ["Sources/A/B.swift:long"]).isEmpty)
        #expect(
            SizeRules.functionSizes(
                files, straightLine: ["Sources/A/B.swift:long", "Sources/A/B.swift:short1"]
            ) == [
                "Sources/A/B.swift:short1 is short now: take it off the list of "
                    + "straight-line arithmetic"
            ])
    }

    @Test func typicalFunction() {
        let text = (0..<10).map { function("f\($0)", lines: 31) }.joined()
        let files = [SourceText(path: "A.swift", text: text)]
        #expect(
            SizeRules.functionSizes(files, straightLine: []) == [
                "95th percentile of functions: 31 lines, at most 30"
            ])
    }

    @Test func header() {
        let path = "Sources/CKernels/include/ckernels.h"
        #expect(SizeRules.kernelHeader([file(path, lines: 200)]).count == 1)
        #expect(SizeRules.kernelHeader([file(path, lines: 199)]).isEmpty)
    }

    @Test func longLine() {
        let line = String(repeating: "x", count: 101)
        #expect(
            SizeRules.columns([SourceText(path: "a.swift", text: "a\n\(line)\n")])
                == ["a.swift:2: 101 columns, at most 100"])
        #expect(SizeRules.columns([SourceText(path: "a.md", text: line)]).isEmpty)
    }

    @Test func bigFile() {
        #expect(SizeRules.storedBytes([("a", 1_000_001), ("b", 1_000_000)]).count == 1)
    }

    @Test func nearestRank() {
        #expect(SizeRules.percentile(50, of: [3, 1, 2]) == 2)
        #expect(SizeRules.percentile(95, of: Array(1...20)) == 19)
        #expect(SizeRules.percentile(95, of: []) == 0)
    }
}
