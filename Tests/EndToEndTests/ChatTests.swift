// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import TestSupport
import Testing

extension EndToEndTests {
    /// `caravan chat`, through a pipe and on a terminal.
    @Suite struct ChatTests {
        private func url(_ cluster: TestCluster) -> String {
            "http://127.0.0.1:\(cluster.http.port)"
        }

        private func chat(
            _ lines: String, _ options: [String], in directory: TemporaryDirectory
        ) throws -> (status: Int32, output: String, errors: String) {
            let input = try directory.write(Array(lines.utf8), to: "lines")
            return try Caravan.run(["chat"] + options, input: input, in: directory)
        }

        private func expectOneLine(
            _ result: (status: Int32, output: String, errors: String), mentions word: String,
            sourceLocation: SourceLocation = #_sourceLocation
        ) {
            #expect(result.status == 1, "\(result)", sourceLocation: sourceLocation)
            #expect(result.output.isEmpty, sourceLocation: sourceLocation)
            let lines = result.errors.split(separator: "\n")
            #expect(lines.count == 1, "\(result.errors)", sourceLocation: sourceLocation)
            #expect(
                result.errors.contains(word), "\(result.errors)", sourceLocation: sourceLocation)
        }

        @Test func nobodyAnswers() throws {
            let url = "http://127.0.0.1:\(try RawConnection.heldPort())"
            let directory = try TemporaryDirectory()
            expectOneLine(
                try chat("Hello\n", ["--url", url], in: directory), mentions: "'caravan serve'")
            let nothing = try chat("", ["--url", url], in: directory)
            #expect(nothing.status == 0 && nothing.output.isEmpty && nothing.errors.isEmpty)
        }

        /// What a greedy chat brings is what the API answers to the same messages.
        @Test func turnsAreThoseOfTheAPI() throws {
            let cluster = try TestCluster(workerCount: 2)
            func answer(_ messages: [(role: String, content: String)]) throws -> String {
                struct Reply: Decodable {
                    struct Choice: Decodable { var message: Message }
                    struct Message: Decodable { var content: String }
                    var choices: [Choice]
                }
                let body: [String: Any] = [
                    "temperature": 0, "max_tokens": 24,
                    "messages": messages.map { ["role": $0.role, "content": $0.content] },
                ]
                let json = try JSONSerialization.data(withJSONObject: body)
                let reply = try cluster.http.post(
                    "/v1/chat/completions", String(decoding: json, as: UTF8.self))
                return try #require(try reply.decoded(Reply.self).choices.first).message.content
            }
            let system = (role: "system", content: "Be brief.")
            let question = (role: "user", content: "What is the capital of France?")
            let first = try answer([system, question])
            let next = (role: "user", content: "What did I ask?\nSay it again.")
            let second = try answer(
                [system, question, (role: "assistant", content: first), next])
            #expect(first != second)

            let lines = "\(question.content)\r\n\n\"\"\"\(next.content)\"\"\"\n/new\n"
            let options = [
                "--url", url(cluster) + "/", "--temperature", "0", "-n", "24", "--system",
                system.content,
            ]
            let result = try chat(lines + question.content, options, in: cluster.directory)
            #expect(result.status == 0 && result.errors.isEmpty, "\(result) \(cluster.log)")
            #expect(result.output == "\(first)\n\(second)\n\(first)\n")

            let questions = try cluster.directory.write(Array(lines.utf8), to: "questions")
            let unread = try RunningProcess(
                "/bin/sh",
                [
                    "-c", #"{ "$0" "$@"; echo "status $?" >&2; } | head -c 1"#,
                    try Caravan.path(), "chat",
                ] + options, input: questions, in: cluster.directory)
            #expect(try unread.waitForExit(.seconds(180)) == 0)
            #expect(unread.errors == "status 141\n")

            let refused = try chat("/bye\nHello\n", options, in: cluster.directory)
            expectOneLine(refused, mentions: "/quit")
            expectOneLine(
                try chat("\"\"\"Hello\n", options, in: cluster.directory), mentions: "\"\"\"")
            let long = String(repeating: "caravan ", count: 2100)
            expectOneLine(try chat(long, options, in: cluster.directory), mentions: "/new")
            try cluster.stop()
        }

        @Test func theKeyIsAskedFor() throws {
            let directory = try TemporaryDirectory()
            let right = try directory.write(Array("right\n".utf8), to: "right")
            let wrong = try directory.write(Array("wrong\n".utf8), to: "wrong")
            let cluster = try TestCluster(
                workerCount: 1, in: directory,
                serving: ["--context", "512", "--api-key-file", right], apiKey: "right")
            let options = ["--url", url(cluster), "-n", "4", "--api-key-file"]
            let result = try chat("Hello", options + [right], in: directory)
            #expect(result.status == 0 && result.errors.isEmpty && result.output.count > 1)
            expectOneLine(
                try chat("Hello", options + [wrong], in: directory), mentions: "--api-key-file")
            expectOneLine(
                try chat("Hello", options.dropLast(), in: directory), mentions: "--api-key-file")
            let missing = directory.file("none")
            expectOneLine(
                try chat("Hello", options + [missing], in: directory), mentions: missing)
            try cluster.stop()
        }

        private static let hasScript = FileManager.default.isExecutableFile(
            atPath: "/usr/bin/script")

        /// On a terminal of its own, which util-linux's `script` provides. Its shell, whichever it
        /// is, gives way to the program: one that waited would itself end by Ctrl-C.
        @Test(.enabled(if: hasScript)) func controlCStopsAnAnswer() throws {
            let cluster = try TestCluster(workerCount: 2)
            let keyboard = try Keyboard(in: cluster.directory)
            let command =
                "NO_COLOR=1 exec \(try Caravan.path()) chat --url \(url(cluster))"
                + " --seed 1 -n 1000"
            let chat = try RunningProcess(
                "/usr/bin/script", ["-qec", command, "/dev/null"], input: keyboard.path,
                in: cluster.directory)
            func shows(_ text: String) -> Bool {
                Deadline.wait { chat.output.contains(text) || !chat.isRunning } && chat.isRunning
            }
            #expect(shows("/quit") && shows("> "), "\(chat.output)")
            #expect(chat.output.contains("SmolLM2-135M-Instruct.Q4_1 at \(url(cluster))\r\n"))
            let question = "Write a very long story about a caravan."
            keyboard.type("\(question)\n")
            #expect(shows("about a caravan.\r\n"))
            let echoed = chat.output.count
            #expect(Deadline.wait { chat.output.count > echoed + 100 }, "\(chat.output)")
            #expect(try cluster.status().slotsInUse == 1)
            keyboard.type("\u{3}")
            #expect(Deadline.wait { (try? cluster.status().slotsInUse) == 0 }, "\(cluster.log)")
            #expect(shows("\r\n\r\n> "), "\(chat.output)")
            #expect(!chat.output.contains("the answer was cut"))

            // It goes on, also after what is wrong, and can stop again.
            keyboard.type("/bye\n")
            #expect(shows("there is no /bye; "), "\(chat.output)")
            // The same seed and no history: an answer known to be long enough to be stopped.
            let before = chat.output.count
            keyboard.type("/new\n\(question)\n")
            let typed = before + question.count + 10
            #expect(Deadline.wait { chat.output.count > typed + 100 }, "\(chat.output)")
            #expect(try cluster.status().slotsInUse == 1)
            keyboard.type("\u{3}")
            #expect(Deadline.wait { (try? cluster.status().slotsInUse) == 0 }, "\(cluster.log)")
            // What follows a stopped answer is answered to its end, whatever its length.
            keyboard.type("And now?\n")
            #expect(shows("And now?\r\n"))
            keyboard.type("\u{4}")
            let status = try chat.waitForExit()
            #expect(status == 0, "\(chat.output)")
            #expect(!chat.output.contains("\u{1B}[1m") && !chat.output.contains("\u{1B}[2m"))
            try cluster.stop()
        }

        @Test(.enabled(if: hasScript)) func controlCAtThePromptEndsIt() throws {
            let cluster = try TestCluster(workerCount: 1)
            let keyboard = try Keyboard(in: cluster.directory)
            let command = "exec \(try Caravan.path()) chat --url \(url(cluster))"
            let chat = try RunningProcess(
                "/usr/bin/script", ["-qec", command, "/dev/null"], input: keyboard.path,
                in: cluster.directory)
            #expect(Deadline.wait { chat.output.contains("> ") }, "\(chat.output)")
            keyboard.type("\u{3}")
            #expect(try chat.waitForExit() == 128 + SIGINT, "\(chat.output)")
            try cluster.stop()
        }

        @Test(arguments: [SIGTERM, SIGINT]) func aSignalEndsAPipedChat(signal: Int32) throws {
            let cluster = try TestCluster(workerCount: 1)
            let keyboard = try Keyboard(in: cluster.directory)
            // More questions than are answered before the signal, however late that comes.
            let question = "Write a very long story about a caravan.\n/new\n"
            keyboard.type(String(repeating: question, count: 1000))
            let chat = try Caravan.start(
                ["chat", "--url", url(cluster), "--seed", "1"], input: keyboard.path,
                in: cluster.directory)
            #expect(Deadline.wait { chat.output.count > 100 }, "\(cluster.log)")
            chat.signal(signal)
            #expect(try chat.waitForExit() == 128 + signal)
            #expect(Deadline.wait { (try? cluster.status().slotsInUse) == 0 }, "\(cluster.log)")
            try cluster.stop()
        }
    }
}

/// What a test types into a process: a pipe with a name, which does not end before the test does.
private final class Keyboard {
    let path: String
    private let descriptor: Int32

    init(in directory: TemporaryDirectory) throws {
        path = directory.file("keyboard")
        try #require(mkfifo(path, 0o600) == 0)
        // Open on both ends, so that neither this nor the process's opening waits for the other.
        descriptor = open(path, O_RDWR | O_CLOEXEC)
        try #require(descriptor >= 0)
    }

    deinit { close(descriptor) }

    func type(_ keys: String) {
        let bytes = Array(keys.utf8)
        #expect(write(descriptor, bytes, bytes.count) == bytes.count)
    }
}
