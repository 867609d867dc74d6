// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

extension EndToEndTests {
    /// The harness itself, on programs whose behaviour is known.
    @Suite struct HarnessTests {
        private func shell(
            _ script: String, in directory: TemporaryDirectory
        ) throws -> RunningProcess {
            try RunningProcess("/bin/sh", ["-c", script], in: directory)
        }

        @Test func outputAndStatus() throws {
            let directory = try TemporaryDirectory()
            let process = try shell("echo out; echo one >&2; echo two >&2; exit 3", in: directory)
            #expect(try process.waitForExit() == 3)
            #expect(process.output == "out\n" && process.errorLines == ["one", "two"])
            let killed = try shell("kill -9 $$", in: directory)
            #expect(try killed.waitForExit() == 137)
        }

        @Test func endlessProcessIsReportedAndKilled() throws {
            let directory = try TemporaryDirectory()
            let process = try shell("while :; do read x; done", in: directory)
            #expect(throws: HarnessError.self) { try process.waitForExit(.milliseconds(50)) }
            #expect(try process.waitForExit() == 137)
        }

        @Test func descendantsAreSeen() throws {
            let directory = try TemporaryDirectory()
            #expect(ProcessTable.living(directory).isEmpty)
            let process = try shell("cat /dev/zero >/dev/null & wait", in: directory)
            #expect(Deadline.wait { ProcessTable.living(directory).count == 2 })
            #expect(ProcessTable.privateBytes(process.processID) > 4096)
            process.kill()
            // An orphan is found all the same.
            #expect(Deadline.wait { ProcessTable.living(directory).count == 1 })
            for orphan in ProcessTable.living(directory) { kill(orphan, SIGKILL) }
            #expect(Deadline.wait { ProcessTable.living(directory).isEmpty })
        }

        @Test func curlAndRawConnections() throws {
            let directory = try TemporaryDirectory()
            let port = try RawConnection.heldPort()
            #expect(try RawConnection.heldPort() != port)
            #expect(throws: HarnessError.self) { try RawConnection(port: port) }
            #expect(HTTP(directory: directory, port: port).health() == 0)
            let server = try RunningProcess(
                "/usr/bin/env",
                ["python3", "-m", "http.server", "\(port)", "--bind", "127.0.0.1"],
                in: directory)
            let http = HTTP(directory: directory, port: port)
            #expect(Deadline.wait { http.health() == 404 }, "\(server.errors)")
            let connection = try RawConnection(port: port)
            connection.send(Array("nonsense\r\n\r\n".utf8))
            let answer = try #require(connection.receiveToEnd())
            #expect(String(decoding: answer, as: UTF8.self).contains("400"))
            server.terminate()
            #expect(try server.waitForExit() != 0)
        }

        @Test func eventStreams() throws {
            let text = """
                : comment
                data: {"choices": [{"delta": {"role": "assistant"}}]}

                data: {"choices": [{"delta": {"content": "a b"}}]}

                data: [DONE]

                """
            let stream = EventStream(text: text)
            #expect(try stream.isComplete && stream.content() == "a b" && !stream.hasError)
            #expect(EventStream(text: "data: {\"error\": {}}\n").hasError)
            #expect(!EventStream(text: "data: {}\n").isComplete)
        }
    }
}
