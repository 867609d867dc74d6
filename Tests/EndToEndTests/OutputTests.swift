// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Platform
import TestSupport
import Testing

extension EndToEndTests {
    /// Results that can't be written, signals in the midst of short commands, and strangers that
    /// answer in a coordinator's place.
    @Suite struct OutputTests {
        private let directory: TemporaryDirectory

        init() throws { directory = try TemporaryDirectory() }

        /// Runs `script`, in which "$0" is the command and "$@" what follows it.
        private func shell(_ script: String, _ arguments: [String]) throws -> RunningProcess {
            try RunningProcess(
                "/bin/sh", ["-c", script, try Caravan.path()] + arguments, in: directory)
        }

        @Test(arguments: [
            ["token", "new"], ["--help"], ["--version"], ["plan", "--help"],
            ["inspect", TestModel.path], ["inspect", TestModel.path, "--json"],
            ["run", TestModel.path, "-p", "a", "-n", "1", "--threads", "1"],
        ])
        func lostResultsAreFaults(arguments: [String]) throws {
            let full = try shell(#"exec "$0" "$@" > /dev/full"#, arguments)
            #expect(try full.waitForExit() == 1)
            #expect(full.errorLines.count == 1 && full.errors.contains("standard output"))
            let closed = try shell(#"exec "$0" "$@" >&-"#, arguments)
            #expect(try closed.waitForExit() == 1)
            #expect(closed.errorLines.count == 1 && closed.errors.contains("standard output"))
        }

        /// What it opens does not take the place of what is closed, and is not written to for it.
        @Test func nothingIsOpenAtTheStart() throws {
            let synth = ["synth", "smollm2-135m", "--type", "q4_0", "--threads", "2"]
            let paths = ["closed.gguf", "open.gguf"].map { directory.file($0) }
            let closed = try shell(#"exec "$0" "$@" <&- >&- 2>&-"#, synth + [paths[0]])
            #expect(try closed.waitForExit() == 1)
            #expect(try Caravan.run(synth + [paths[1]], in: directory).status == 0)
            #expect(FileManager.default.contentsEqual(atPath: paths[0], andPath: paths[1]))
        }

        /// As of a process that the write has ended, and without a word.
        @Test func withItsReaderAnAnswerEnds() throws {
            let process = try shell(
                #"{ "$0" "$@"; echo "status $?" >&2; } | head -c 1"#,
                [
                    "run", TestModel.path, "-p", "Once upon a time", "-n", "2000", "--temperature",
                    "2", "--seed", "1", "--threads", "1",
                ])
            #expect(try process.waitForExit(.seconds(180)) == 0)
            #expect(process.errors == "status 141\n")
        }

        /// As with a terminal after Ctrl-S, or `tee` on a disk that hangs.
        @Test func aLogThatNobodyTakesKeepsNobodyWaiting() throws {
            let path = directory.file("log")
            #expect(mkfifo(path, 0o600) == 0)
            let pipe = open(path, O_RDWR | O_NONBLOCK)
            defer { close(pipe) }
            fill(pipe)
            let http = HTTP(directory: directory, port: try RawConnection.heldPort())
            let server = try shell(
                #"exec "$0" "$@" 2> "# + path,
                [
                    "serve", TestModel.path, "--listen", "127.0.0.1:\(http.port)",
                    "--workers-listen", "127.0.0.1:0", "--local", "1", "--threads", "1",
                    "--context", "256",
                ])
            #expect(Deadline.wait { http.health() == 200 })
            // Nothing of it is lost, and its order stays.
            var log = ""
            let isWhole = Deadline.wait {
                log += drain(pipe)
                return log.contains("ready: 1 stages")
            }
            #expect(isWhole, "\(log)")
            let marks = ["serving ", "worker local-", "plan 1: 1 stage\n", "plan 1 is ready"]
            let places = marks.map { log.firstRange(of: $0)?.lowerBound ?? log.endIndex }
            #expect(places == places.sorted() && places.last != log.endIndex, "\(log)")
            fill(pipe)
            server.terminate()
            #expect(try server.waitForExit(.seconds(10)) == 0)
        }

        private func fill(_ pipe: Int32) {
            let lines = [UInt8](repeating: UInt8(ascii: "\n"), count: 4096)
            while write(pipe, lines, lines.count) > 0 {}
            while write(pipe, lines, 1) > 0 {}
        }

        private func drain(_ pipe: Int32) -> String {
            var bytes = [UInt8](repeating: 0, count: 1 << 20)
            let count = read(pipe, &bytes, bytes.count)
            return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
        }

        /// A server that is no coordinator: its address, and what waits for its only client.
        private func stranger() throws -> (url: String, accept: () -> Int32) {
            let socket = try PassiveSocket.open(SocketAddress(host: "127.0.0.1", port: 0))
            return (
                "http://127.0.0.1:\(socket.port)",
                {
                    defer { close(socket.descriptor) }
                    var waiting = pollfd(fd: socket.descriptor, events: Int16(POLLIN), revents: 0)
                    guard poll(&waiting, 1, 60_000) == 1 else { return -1 }
                    return Glibc.accept(socket.descriptor, nil, nil)
                }
            )
        }

        @Test(arguments: [["status"], ["status", "--json"], ["drain", "w"]], [SIGINT, SIGTERM])
        func aSignalEndsWhatWaitsForAnAnswer(arguments: [String], signal: Int32) throws {
            let silent = try stranger()
            let process = try Caravan.start(
                arguments + ["--url", silent.url], in: directory)
            let connection = silent.accept()
            defer { close(connection) }
            process.signal(signal)
            #expect(try process.waitForExit() == 128 + signal)
        }

        @Test func statusOfAStrangerIsRefused() throws {
            let page = try stranger()
            let process = try Caravan.start(
                ["status", "--json", "--url", page.url], in: directory)
            let connection = page.accept()
            defer { close(connection) }
            let answer = Array("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>".utf8)
            #expect(write(connection, answer, answer.count) == answer.count)
            #expect(try process.waitForExit() == 1)
            #expect(process.output.isEmpty)
            #expect(process.errors.contains("is not a Caravan coordinator"))
        }

        /// Where this machine has IPv6 at all.
        @Test(.enabled(if: (try? PassiveSocket.open(loopback6)) != nil))
        func aCoordinatorIsFoundByIPv6() throws {
            let coordinator = try Caravan.start(
                [
                    "serve", TestModel.path, "--listen", "[::1]:0", "--workers-listen",
                    "127.0.0.1:0", "--local", "1", "--threads",
                    "1",
                ], in: directory)
            let mark = "on http://"
            #expect(Deadline.wait { coordinator.errors.contains(mark) })
            let line = try #require(coordinator.errorLines.first { $0.contains(mark) })
            let url = "http://" + line[try #require(line.range(of: mark)).upperBound...]
            let status = try Caravan.run(["status", "--url", url], in: directory)
            #expect(status.status == 0 && status.output.contains("SmolLM2"), "\(status)")
            coordinator.terminate()
            #expect(try coordinator.waitForExit() == 0)
        }

        private static let loopback6 = SocketAddress(host: "::1", port: 0)

        /// Opening a pipe without a writer would wait for one.
        @Test(arguments: ["inspect", "run"]) func aPipeIsNoModel(command: String) throws {
            let path = directory.file("pipe.gguf")
            #expect(mkfifo(path, 0o600) == 0)
            let prompt = command == "run" ? ["-p", "a"] : []
            let result = try Caravan.run([command, path] + prompt, in: directory)
            #expect(result.status == 1 && result.errors.contains("is not a regular file"))
        }
    }
}
