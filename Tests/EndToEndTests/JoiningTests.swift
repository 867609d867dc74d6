// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Platform
import TestSupport
import Testing

extension EndToEndTests {
    /// The cluster token's way from the coordinator to the workers, and what happens without it.
    @Suite struct JoiningTests {
        private static let options = ["--context", "256", "--slots", "1"]

        /// A coordinator that waits for workers.
        private func coordinator(
            _ arguments: [String], in directory: TemporaryDirectory
        ) throws -> (process: RunningProcess, http: HTTP) {
            let port = try RawConnection.heldPort()
            let process = try Caravan.start(
                ["serve", TestModel.path, "--listen", "127.0.0.1:\(port)"] + Self.options
                    + arguments, in: directory)
            let http = HTTP(directory: directory, port: port)
            #expect(Deadline.wait { http.health() != 0 || !process.isRunning }, "\(process.errors)")
            #expect(Deadline.wait { process.errors.contains("--join") || !process.isRunning })
            return (process, http)
        }

        private func end(_ processes: RunningProcess...) throws {
            for process in processes where process.isRunning { process.terminate() }
            for process in processes { try process.waitForExit(.seconds(10)) }
        }

        private func mode(_ path: String) -> mode_t {
            var status = stat()
            return stat(path, &status) == 0 ? status.st_mode & 0o777 : 0
        }

        // MARK: Tokens

        @Test func tokenNewPrintsAFreshOne() throws {
            let directory = try TemporaryDirectory()
            let tokens = try (0..<2).map { _ in
                let result = try Caravan.run(["token", "new"], in: directory)
                #expect(result.status == 0 && result.errors.isEmpty)
                return try ClusterToken(result.output)
            }
            #expect(tokens[0] != tokens[1])
            let path = directory.file("redirected")
            let shell = try RunningProcess(
                "/bin/sh", ["-c", "umask 022; \"$0\" token new > \"$1\"", Caravan.path(), path],
                in: directory)
            #expect(try shell.waitForExit() == 0)
            _ = try TokenFile.read(path)
            #expect(mode(path) == 0o600)
        }

        @Test func theFirstStartMakesATokenAndTheNextOnesKeepIt() throws {
            let directory = try TemporaryDirectory()
            let path = TestCluster.tokenPath(directory)
            var texts: [String] = []
            for _ in 0..<2 {
                let (process, _) = try coordinator(
                    ["--workers-listen", "127.0.0.1:0"], in: directory)
                texts.append(try TokenFile.read(path).text)
                #expect(mode(path) == 0o600)
                #expect(process.errors.contains(path))
                try end(process)
                #expect(!process.errors.contains(texts[0]))
            }
            #expect(texts[0] == texts[1])
        }

        @Test(arguments: ["serve", "worker"])
        func aTokenFileThatOthersCanReadIsRefused(command: String) throws {
            let directory = try TemporaryDirectory()
            let path = try directory.write(Array(ClusterToken().text.utf8), to: "token")
            #expect(chmod(path, 0o644) == 0)
            let rest =
                command == "serve"
                ? [TestModel.path, "--listen", "127.0.0.1:0", "--workers-listen", "127.0.0.1:0"]
                : ["--join", "127.0.0.1:1"]
            let result = try Caravan.run([command] + rest + ["--token-file", path], in: directory)
            #expect(result.status == 1 && result.errors.contains("chmod 600 \(path)"), "\(result)")
            #expect(result.errors.split(separator: "\n").count == 1, "\(result)")
        }

        // MARK: Joining

        /// The line that the coordinator prints, pasted as it is, on loopback and on the network.
        @Test(arguments: ["127.0.0.1:0", "0.0.0.0:0"])
        func thePrintedLineJoins(listen: String) throws {
            let directory = try TemporaryDirectory()
            let (process, http) = try coordinator(["--workers-listen", listen], in: directory)
            let line = try #require(process.errorLines.first { $0.contains("worker --join") })
            let words = line.split(separator: " ").map(String.init)
            let start = try #require(words.firstIndex(of: "worker"))
            // The token gets there as the line before says: by a copy, with its mode.
            let copy = directory.file("caravan-token")
            try FileManager.default.copyItem(
                atPath: TestCluster.tokenPath(directory), toPath: copy)
            let arguments = words[start...].map { $0 == "~/caravan-token" ? copy : $0 }
            let worker = try Caravan.start(
                arguments + ["--memory", "512MiB", "--threads", "1"], in: directory)
            #expect(Deadline.wait { http.health() == 200 || !worker.isRunning }, "\(worker.errors)")
            let body = try http.get("/caravan/status").body
            let host = listen.hasPrefix("0") ? SocketEnds.firstNetworkHost() : nil
            #expect(body.contains(host ?? "127.0.0.1"), "\(body)")
            #expect(!line.contains("0.0.0.0"))
            try end(worker, process)
        }

        /// Neither the table of processes nor the log nor the status shows it.
        @Test func localWorkersGetTheTokenUnseen() throws {
            let directory = try TemporaryDirectory()
            let (process, http) = try coordinator(
                ["--workers-listen", "127.0.0.1:0", "--local", "2", "--threads", "1"],
                in: directory)
            #expect(
                Deadline.wait { http.health() == 200 || !process.isRunning }, "\(process.errors)")
            let token = try TokenFile.read(TestCluster.tokenPath(directory)).text
            let secret = token.dropFirst(9).prefix(16)
            let living = ProcessTable.living(directory)
            #expect(living.count == 3)
            for id in living {
                for name in ["cmdline", "environ"] {
                    let data = FileManager.default.contents(atPath: "/proc/\(id)/\(name)") ?? Data()
                    let text = String(decoding: data, as: UTF8.self)
                    #expect(!text.isEmpty && !text.contains(secret))
                }
            }
            #expect(try !http.get("/caravan/status").body.contains(secret))
            try end(process)
            #expect(!process.errors.contains(secret) && !process.output.contains(secret))
        }

        // MARK: Not joining

        /// One line on both sides, status 1, no second try.
        private func expectRefusal(
            _ worker: RunningProcess, by coordinator: RunningProcess, workerSays: String,
            coordinatorSays: String
        ) throws {
            #expect(try worker.waitForExit(.seconds(20)) == 1, "\(worker.errors)")
            let told = worker.errorLines.filter { $0.contains(workerSays) }
            #expect(told.count == 1, "\(worker.errors)")
            let isLogged = Deadline.wait {
                coordinator.errorLines.contains { $0.contains(coordinatorSays) }
            }
            #expect(isLogged, "\(coordinator.errors)")
            let lines = coordinator.errorLines.filter { $0.contains(coordinatorSays) }
            #expect(lines.count == 1, "\(coordinator.errors)")
            #expect(coordinator.isRunning)
        }

        @Test func anotherTokenOrNoneIsRefused() throws {
            let directory = try TemporaryDirectory()
            let port = try RawConnection.heldPort()
            let (process, _) = try coordinator(
                ["--workers-listen", "127.0.0.1:\(port)"], in: directory)
            let elsewhere = try TemporaryDirectory()
            let other = try TestCluster.startWorker(
                "other", joining: port, memory: "512MiB", in: elsewhere)
            try expectRefusal(
                other, by: process, workerSays: "copy the coordinator's token file",
                coordinatorSays: "different cluster tokens")
            let none = try Caravan.run(
                ["worker", "--join", "127.0.0.1:\(port)"], in: TemporaryDirectory())
            #expect(none.status == 1 && none.errors.contains("--token-file"), "\(none)")
            #expect(none.errors.split(separator: "\n").count == 1)
            try end(process)
        }

        @Test(arguments: [false, true])
        func plaintextMeetsTLS(coordinatorIsPlaintext: Bool) throws {
            let directory = try TemporaryDirectory()
            let port = try RawConnection.heldPort()
            let flag = ["--plaintext"]
            let (process, _) = try coordinator(
                ["--workers-listen", "127.0.0.1:\(port)"] + (coordinatorIsPlaintext ? flag : []),
                in: directory)
            let worker = try TestCluster.startWorker(
                "w", joining: port, memory: "512MiB", in: directory,
                security: coordinatorIsPlaintext ? [] : flag)
            try expectRefusal(
                worker, by: process, workerSays: "--plaintext",
                coordinatorSays: "is one of them --plaintext?")
            try end(process)
        }
    }
}
