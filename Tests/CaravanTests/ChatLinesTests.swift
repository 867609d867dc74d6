// SPDX-License-Identifier: Apache-2.0

import Testing
import caravan

struct ChatLinesTests {
    private func directives(_ lines: [String]) throws -> [ChatLines.Directive] {
        var chat = ChatLines()
        return try lines.map { line throws in try chat.take(line) }
    }

    @Test(arguments: ["/bye", " /exit ", "/"])
    func commandsThatDoNotExist(line: String) {
        var chat = ChatLines()
        let thrown = #expect(throws: ChatError.self) { try chat.take(line) }
        #expect(thrown?.description.contains("/quit ends") == true)
    }

    @Test func aBlockHasALimit() throws {
        var chat = ChatLines()
        #expect(try chat.take("\"\"\"") == .goOn)
        let line = String(repeating: "x", count: ChatLines.textBytesMax / 2)
        #expect(try chat.take(line) == .goOn && chat.isInBlock)
        #expect(throws: ChatError.textTooLong(limit: ChatLines.textBytesMax)) {
            try chat.take(line)
        }
        #expect(!chat.isInBlock)
    }

    @Test func linesAreQuestions() throws {
        let lines = ["Hello ", "", " \t", "/new", " /quit ", "/etc/passwd is what?", "/2"]
        #expect(
            try directives(lines) == [
                .ask("Hello "), .goOn, .goOn, .restart, .quit, .ask("/etc/passwd is what?"),
                .ask("/2"),
            ])
    }

    @Test(arguments: [
        (["\"\"\"one", "/new", "  two\"\"\" "], "one\n/new\n  two"),
        (["\"\"\"", "  a", "", "b", "\"\"\""], "  a\n\nb"),
        ([" \"\"\"at once\"\"\""], "at once"),
    ])
    func blocksAreOneQuestion(lines: [String], text: String) throws {
        let found = try directives(lines)
        #expect(found.dropLast().allSatisfy { $0 == .goOn })
        #expect(found.last == .ask(text))
    }

    @Test func blocksWithNothingInThem() throws {
        let lines = ["\"\"\"", "", "\"\"\"", "\"\"\"\"\"\"", "a"]
        #expect(try directives(lines) == [.goOn, .goOn, .goOn, .goOn, .ask("a")])
        var chat = ChatLines()
        #expect(try chat.take("\"\"\"a") == .goOn)
        chat.takeBack()
        #expect(try chat.take("b") == .ask("b"))
    }
}
