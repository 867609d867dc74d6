// SPDX-License-Identifier: Apache-2.0

import Testing

/// Each rule finds a bad sample and passes a good one.
struct RulesTests {
    private func source(_ text: String, _ path: String = "Sources/Wire/A.swift") -> [SourceText] {
        [SourceText(path: path, text: text)]
    }

    @Test func imports() {
        let bad =
            "package import Model\nimport struct Foundation.Data\n// import Engine\nimport CKernels"
        #expect(
            FloorRules.imports(source(bad)) == [
                "Sources/Wire/A.swift:1: Wire may not import Model",
                "Sources/Wire/A.swift:2: Wire may not import Foundation",
            ])
        #expect(FloorRules.imports(source("@preconcurrency import Glibc")).count == 1)
        #expect(FloorRules.imports(source("import Glibc", "Sources/Platform/A.swift")).isEmpty)
        #expect(FloorRules.imports(source("", "Sources/Attic/A.swift")).count == 1)
        #expect(FloorRules.plainImports(source("@test" + "able import A")).count == 1)
        #expect(FloorRules.plainImports(source("import A")).isEmpty)
    }

    @Test func access() {
        #expect(FloorRules.access(source("public struct A {}")).count == 1)
        #expect(FloorRules.access(source("package struct A {} // public")).isEmpty)
    }

    @Test func printing() {
        #expect(FloorRules.printing(source("    print(1)")).count == 1)
        #expect(FloorRules.printing(source("fingerprint(1)\n// print(1)\n\"print(1)\"")).isEmpty)
        #expect(FloorRules.printing(source("print(1)", "Sources/caravan/A.swift")).isEmpty)
    }

    @Test func notesToSelf() {
        #expect(WordRules.notesToSelf(source("// TO" + "DO: later")).count == 1)
        #expect(WordRules.notesToSelf(source("// todos los santos")).isEmpty)
    }

    @Test func bannedWords() {
        #expect(WordRules.bannedWords(source("// A Sub" + "agent wrote this.")).count == 1)
        #expect(WordRules.bannedWords(source("// The user's agent.")).isEmpty)
    }

    @Test func emoji() {
        #expect(WordRules.emoji(source("// done 🚀", "README.md")).count == 1)
        #expect(WordRules.emoji(source("\"🚀\"", "Tests/A/B.swift")).isEmpty)
        #expect(WordRules.emoji(source("// 1 ≤ 2 → 3 × 10⁵ …", "README.md")).isEmpty)
    }

    @Test func licence() {
        let line = "// SPDX-License-Identifier: Apache-2.0\n"
        #expect(WordRules.licence(source("import A\n")).count == 1)
        #expect(WordRules.licence(source("\n\n\(line)")).count == 1)
        #expect(WordRules.licence(source(line)).isEmpty)
    }

    @Test func names() {
        #expect(WordRules.names(source("", "Sources/Wire/StringUtils.swift")).count == 1)
        #expect(WordRules.names(source("final class LinkManager {}")).count == 1)
        #expect(WordRules.names(source("package enum Wire {}")).count == 1)
        #expect(WordRules.names(source("package struct Frame {}")).isEmpty)
    }

    @Test func documentedTypes() {
        #expect(WordRules.documentedTypes(source("package struct A {}")).count == 1)
        #expect(
            WordRules.documentedTypes(source("/// B.\n@frozen\npackage final class A {")).isEmpty)
        #expect(WordRules.documentedTypes(source("    package enum Nested {}")).isEmpty)
        #expect(WordRules.documentedTypes(source("struct A {\n    package let b: Int\n}")).isEmpty)
    }

    @Test func uncheckedSendable() {
        let bare = "final class A: @unchecked Sendable {}\n"
        #expect(WordRules.uncheckedSendable(source(bare)).count == 1)
        #expect(WordRules.uncheckedSendable(source("// Because.\n\(bare)")).isEmpty)
        let many = String(repeating: "// Because.\n\(bare)", count: 6)
        #expect(WordRules.uncheckedSendable(source(many)) == ["6 times @unchecked, at most 5"])
    }

    @Test func sleepingTests() {
        let call = "Thread.sl" + "eep(forTimeInterval: 1)"
        #expect(WordRules.sleepingTests(source(call, "Tests/A/B.swift")).count == 1)
        #expect(WordRules.sleepingTests(source("// \(call)", "Tests/A/B.swift")).isEmpty)
    }

    @Test func links() {
        let text = "[a](b.md) [c](Sources/Wire#x) [d](https://e.f) [g](#h)\n[i](gone.md)"
        #expect(
            DocumentRules.links(source(text, "A.md"), paths: ["b.md", "Sources/Wire/A.swift"])
                == ["A.md:2: dead link gone.md"])
        #expect(
            DocumentRules.links(source("[a](../b.md)", "proto/A.md"), paths: ["b.md"]).isEmpty)
    }

    @Test func mentions() {
        let text = "`Sources/Wire/A.swift` and `scripts/gone --x`, `Sources/*/B.swift`, `elsewhere`"
        #expect(
            DocumentRules.mentions(source(text, "A.md"), paths: ["Sources/Wire/A.swift"])
                == ["A.md:1: no such file scripts/gone"])
    }
}
