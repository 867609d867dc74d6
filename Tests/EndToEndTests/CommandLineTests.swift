// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import TestSupport
import Testing

extension EndToEndTests {
    /// Wrong usage and wrong files: one line on stderr, and the right exit status.
    @Suite struct CommandLineTests {
        private func expectOneLine(
            _ arguments: [String], status: Int32, mentions word: String,
            sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            let result = try Caravan.run(arguments, in: TemporaryDirectory())
            #expect(result.status == status, "\(result)", sourceLocation: sourceLocation)
            #expect(result.output.isEmpty, sourceLocation: sourceLocation)
            let lines = result.errors.split(separator: "\n")
            #expect(lines.count == 1, "\(result.errors)", sourceLocation: sourceLocation)
            let controls = result.errors.unicodeScalars.filter {
                $0.properties.generalCategory == .control
            }
            #expect(controls.map(\.value) == [10], sourceLocation: sourceLocation)
            #expect(
                result.errors.contains(word), "\(result.errors)", sourceLocation: sourceLocation)
        }

        @Test(arguments: [
            ["inspect", "/no/such/model.gguf"], ["run", "/no/such/model.gguf", "-p", "a"],
            ["serve", "/no/such/model.gguf"], ["bench", "/no/such/model.gguf"],
            ["perplexity", "/no/such/model.gguf", "/no/such/text"],
        ])
        func missingFile(arguments: [String]) throws {
            try expectOneLine(arguments, status: 1, mentions: "/no/such/model.gguf")
        }

        @Test(arguments: [
            ["--no-such-flag"], ["run", "model.gguf", "--no-such-flag"], ["no-such-command"],
            ["serve"], ["worker"], ["run", "model.gguf", "-p", "a", "-n", "many"],
            ["synth", "llama-9", "a.gguf"], ["synth", "llama-3.2-1b", "a.gguf", "--type", "q1"],
            ["bench", "a.gguf", "--streams", "1,,2"], ["perplexity", "a.gguf"],
            ["worker", "--join", "nowhere"], ["worker", "--join", "127.0.0.1:1", "--memory", "x"],
            ["worker", "--join", "127.0.0.1:1", "--name", "a\u{85}b"],
            ["worker", "--join", "127.0.0.1:1", "--cache-size", "lots"],
            ["serve", "model.gguf", "--prefill-chunk", "513"],
            ["serve", "model.gguf", "--slots", "257"], ["serve", "model.gguf", "--expect", "0"],
            ["serve", "model.gguf", "--local", "2", "--expect", "1"],
            ["serve", "model.gguf", "--model-name", ""], ["serve", "model.gguf", "--min-p", "2"],
            ["serve", "model.gguf", "--temperature", "2.1"],
            ["top", "--interval", "0"],
            ["serve", "model.gguf", "--optimise", "both"], ["plan", "llama-3.2-1b"],
            ["no-such\u{1B}[31m\ncommand"], ["run", "--no\u{7}such\u{9B}", "-p", "a\nb"],
            ["token"], ["token", "old"],
            ["serve", "model.gguf", "--plaintext", "--token-file", "t"],
            ["serve", "model.gguf", "--plaintext", "--workers-listen", "0.0.0.0:0"],
            ["worker", "--join", "192.0.2.1:1", "--plaintext"],
            ["worker", "--join", "127.0.0.1:1", "--plaintext", "--data-listen", "0.0.0.0:0"],
            ["chat", "hello"], ["chat", "--top-p", "1.1"],
            ["chat", "--temperature", "2.1"], ["chat", "-n", "0"],
            ["status", "--url", "127.0.0.1:8080"], ["top", "--url", "ftp://127.0.0.1"],
            ["drain", "w1", "--url", "http://"], ["chat", "--url", "http://127.0.0.1:65536"],
            ["plan", "llama-3.2-1b", "--url", ""],
        ])
        func wrongUsage(arguments: [String]) throws {
            try expectOneLine(arguments, status: 64, mentions: "--help")
        }

        @Test(arguments: [
            ["run", "-p", "a", "--cache", "d"], ["run", "-p", "a", "--wire", "f32"],
            ["bench", "--cache", "d"], ["bench", "--wire", "f32"], ["bench", "--plaintext"],
            ["bench", "--optimise", "latency"], ["serve", "--threads", "2"],
            ["perplexity", "text", "--wire", "f32"],
            ["plan", "--node", "memory=8GiB", "--api-key-file", "k"],
        ])
        func optionsThatDoNothingAlone(arguments: [String]) throws {
            try expectOneLine(
                arguments + ["model.gguf"], status: 64, mentions: "does nothing without --")
            let help = try Caravan.run([arguments[0], "--help"], in: TemporaryDirectory()).output
            #expect(help.contains("; with --"))
        }

        /// Repaired, it would be the name of another file.
        @Test func argumentThatIsNotUTF8() throws {
            let directory = try TemporaryDirectory()
            let script = #"exec "$0" inspect "$(printf 'd/\377.gguf')""#
            let process = try RunningProcess(
                "/bin/sh", ["-c", script, Caravan.path()], in: directory)
            #expect(try process.waitForExit() == 64)
            #expect(process.output.isEmpty)
            #expect(process.errorLines.count == 1, "\(process.errors)")
            #expect(process.errors.hasPrefix("caravan: argument 2 is not UTF-8; "))
        }

        @Test(arguments: [
            "run", "serve", "worker", "inspect", "status", "top", "chat", "drain", "plan", "bench",
            "perplexity", "synth", "token",
        ])
        func help(command: String) throws {
            let result = try Caravan.run([command, "--help"], in: TemporaryDirectory())
            #expect(result.status == 0 && result.output.contains("caravan \(command)"))
            #expect(result.errors.isEmpty)
            #expect(!result.output.contains("\n\n\n"), "\(result.output)")
        }

        /// After an option that takes a value it is that value.
        @Test func aPromptMayLookLikeHelp() throws {
            try expectOneLine(
                ["run", "/no/such/model.gguf", "-p", "-h"], status: 1,
                mentions: "/no/such/model.gguf")
        }

        @Test func helpNamesWhatThereIs() throws {
            let directory = try TemporaryDirectory()
            #expect(try Caravan.run(["--help"], in: directory).output.contains("--version"))
            let version = try Caravan.run(["--version"], in: directory)
            #expect(version.status == 0 && version.output.hasPrefix("caravan "))
            #expect(
                !(try Caravan.run(["plan", "--help"], in: directory)).output.contains("--slots"))
            #expect(try Caravan.run(["chat", "--help"], in: directory).output.contains("https"))
            let worker = try Caravan.run(["worker", "--help"], in: directory).output
            #expect(worker.contains("$XDG_STATE_HOME") && !worker.contains("--child"))
        }

        /// On a terminal of its own, which util-linux's `script` provides; `q` is typed.
        @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/script")))
        func topGivesTheTerminalBack() throws {
            let directory = try TemporaryDirectory()
            let port = try RawConnection.heldPort()
            let top = "\(try Caravan.path()) top --url http://127.0.0.1:\(port)"
            let script = "\(top); echo status $?; stty -a"
            let shell = try RunningProcess(
                "/bin/sh",
                ["-c", "printf q | TERM=xterm script -qec '\(script)' /dev/null"], in: directory)
            #expect(try shell.waitForExit(.seconds(30)) == 0, "\(shell.errors)")
            let output = shell.output
            let parts = ["\u{1B}[?1049h", "\u{1B}[?25l", "caravan top", "\u{1B}[?25h", "status 0"]
            var rest = output[...]
            for part in parts {
                let found = try #require(rest.range(of: part), "\(part) in \(output)")
                rest = rest[found.upperBound...]
            }
            let flags = rest.split(whereSeparator: \.isWhitespace)
            #expect(flags.contains("icanon") && flags.contains("echo"), "\(rest)")
        }

        @Test func inspectShowsTheModel() throws {
            let people = try Caravan.run(["inspect", TestModel.path], in: TemporaryDirectory())
            #expect(people.status == 0 && people.output.contains("token_embd.weight"))
            let data = try Caravan.run(
                ["inspect", TestModel.path, "--json"], in: TemporaryDirectory())
            let object = try JSONSerialization.jsonObject(with: Data(data.output.utf8))
            #expect(object is [String: Any] && data.output.contains("token_embd.weight"))
        }

        @Test func whatCannotBeRunIsShownAllTheSame() throws {
            let directory = try TemporaryDirectory()
            var builder = GGUFBuilder.tinyLlama(layers: 1)
            let name = "blk.0.ffn_up.weight"
            let index = try #require(builder.tensors.firstIndex { $0.name == name })
            builder.tensors[index].type = 39
            builder.tensors[index].bytes = [UInt8](repeating: 0, count: 96 * 2 * 17)
            let path = try directory.write(builder.bytes(), to: "other.gguf")
            let shown = try Caravan.run(["inspect", path], in: directory)
            #expect(shown.status == 0 && shown.output.contains("cannot be run"), "\(shown)")
            let fault = "\(name) has the element type MXFP4"
            #expect(shown.output.contains(fault), "\(shown)")
            try expectOneLine(["run", path, "-p", "a"], status: 1, mentions: fault)
            try expectOneLine(["serve", path, "--local", "2"], status: 1, mentions: fault)
        }

        @Test func truncatedModel() throws {
            let directory = try TemporaryDirectory()
            let handle = try #require(FileHandle(forReadingAtPath: TestModel.path))
            let half = try #require(try handle.read(upToCount: 40_000_000))
            let path = try directory.write(Array(half), to: "half.gguf")
            try expectOneLine(["inspect", path], status: 1, mentions: "half.gguf")
            try expectOneLine(["run", path, "-p", "a"], status: 1, mentions: "half.gguf")
            try expectOneLine(["serve", path, "--local", "2"], status: 1, mentions: "half.gguf")
        }

        @Test func notAModel() throws {
            let directory = try TemporaryDirectory()
            let path = try directory.write(Array("#!/bin/sh\n".utf8), to: "script.gguf")
            try expectOneLine(["inspect", path], status: 1, mentions: "script.gguf")
            let empty = try directory.write([], to: "empty.gguf")
            try expectOneLine(["inspect", empty], status: 1, mentions: "empty.gguf")
        }

        /// Said at once: the model, which is new to the coordinator, is not hashed before.
        @Test func portInUse() throws {
            let cluster = try TestCluster(workerCount: 1)
            let free = try RawConnection.heldPort()
            for (api, workers, taken) in [
                (cluster.http.port, 0, cluster.http.port),
                (0, cluster.workersPort, cluster.workersPort), (free, free, free),
            ] {
                try expectOneLine(
                    [
                        "serve", TestModel.path, "--listen", "127.0.0.1:\(api)",
                        "--workers-listen", "127.0.0.1:\(workers)",
                    ], status: 1, mentions: "cannot listen on 127.0.0.1:\(taken): ")
            }
            #expect(cluster.http.health() == 200)
            try cluster.stop()
        }

        /// Plaintext does not leave the machine.
        @Test func plaintextBeyondLoopback() throws {
            let result = try Caravan.run(
                ["serve", TestModel.path, "--plaintext", "--workers-listen", "0.0.0.0:0"],
                in: TemporaryDirectory())
            #expect(result.status == 64 && result.errors.contains("loopback"), "\(result)")
        }
    }
}
