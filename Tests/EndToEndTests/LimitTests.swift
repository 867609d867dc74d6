// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

extension EndToEndTests {
    /// What the system allows a process.
    @Suite struct LimitTests {
        /// The soft and the hard limit of a process's open files, as the kernel writes them.
        private func openFiles(_ process: Int32) -> [Substring] {
            let data = FileManager.default.contents(atPath: "/proc/\(process)/limits") ?? Data()
            let lines = String(decoding: data, as: UTF8.self).split(separator: "\n")
            let words = lines.first { $0.hasPrefix("Max open files ") }?.split(separator: " ")
            return Array((words ?? []).dropFirst(3).prefix(2))
        }

        /// Idle clients alone would use up the usual one.
        @Test func asManyFilesAreOpenedAsTheSystemAllows() throws {
            let directory = try TemporaryDirectory()
            let server = try serve(
                ["--workers-listen", "127.0.0.1:0", "--local", "1", "--threads", "1"],
                "ulimit -S -n 256", in: directory)
            let isUp = Deadline.wait { server.errors.contains("--join") || !server.isRunning }
            #expect(isUp && server.isRunning, "\(server.errors)")
            // The local worker is among them.
            let processes = ProcessTable.living(directory)
            #expect(processes.count >= 2, "\(processes)")
            for process in processes {
                let limits = openFiles(process)
                #expect(limits.count == 2 && limits.first == limits.last, "\(limits)")
            }
            server.terminate()
            try server.waitForExit(.seconds(10))
        }

        /// What the coordinator lacks says nothing of the worker that it can't reach for that.
        @Test func aWantOfDescriptorsIsWaitedOut() throws {
            let directory = try TemporaryDirectory()
            let port = try RawConnection.heldPort()
            let server = try serve(
                ["--workers-listen", "127.0.0.1:\(port)", "--expect", "1"], in: directory)
            let isUp = Deadline.wait { server.errors.contains("--join") || !server.isRunning }
            #expect(isUp && server.isRunning, "\(server.errors)")
            // One descriptor is left, for the worker's link to the coordinator.
            let files = "/proc/\(server.processID)/fd"
            let open = Set(
                try FileManager.default.contentsOfDirectory(atPath: files).compactMap { Int($0) })
            let number = (0..<1024).filter { !open.contains($0) }[1]
            try limit(server, "--nofile=\(number):")
            let worker = try TestCluster.startWorker(
                "w", joining: port, memory: "512MiB", in: directory)
            let isShort = Deadline.wait {
                server.errors.contains(": Too many open files; ") || !worker.isRunning
            }
            #expect(isShort, "\(server.errors)\n\(worker.errors)")
            try limit(server, "--nofile=1024:")
            let isReady = Deadline.wait { server.errors.contains("plan 1 is ready") }
            #expect(isReady, "\(server.errors)")
            let shortages = server.errorLines.filter { $0.contains("Too many open files") }
            #expect(shortages.count == 1 && !server.errors.contains("plan 2"), "\(server.errors)")
            for process in [worker, server] { process.terminate() }
            for process in [worker, server] { try process.waitForExit(.seconds(10)) }
        }

        /// Without room for a thread's stack there is no thread; all else has some room left.
        @Test func aLinkWithoutAThreadIsRefused() throws {
            let directory = try TemporaryDirectory()
            let port = try RawConnection.heldPort()
            let server = try serve(
                ["--workers-listen", "127.0.0.1:\(port)", "--expect", "1"],
                "ulimit -S -s \(Self.stackKilobytes)", in: directory)
            let isUp = Deadline.wait { server.errors.contains("--join") || !server.isRunning }
            #expect(isUp && server.isRunning, "\(server.errors)")
            let room = ProcessTable.addressBytes(server.processID) + Self.stackKilobytes << 9
            try limit(server, "--as=\(room):")
            let worker = try TestCluster.startWorker(
                "w", joining: port, memory: "512MiB", in: directory)
            let line = ": cannot start thread link-read: Resource temporarily unavailable; raise "
            let isRefused = Deadline.wait { server.errors.contains(line) || !server.isRunning }
            #expect(isRefused, "\(server.errors)\n\(worker.errors)")
            try limit(server, "--as=unlimited:")
            let isReady = Deadline.wait { server.errors.contains("plan 1 is ready") }
            #expect(isReady, "\(server.errors)\n\(worker.errors)")
            for process in [worker, server] { process.terminate() }
            for process in [worker, server] { try process.waitForExit(.seconds(10)) }
        }

        @Test func aStartWithoutThreadsIsAnError() throws {
            let directory = try TemporaryDirectory()
            // OpenBLAS starts threads before the program does, and ends it without them.
            let limits = "export OPENBLAS_NUM_THREADS=1; ulimit -S -s \(Self.stackKilobytes)"
            let server = try serve(
                ["--workers-listen", "127.0.0.1:0"], "\(limits); ulimit -v \(Self.stackKilobytes)",
                in: directory)
            #expect(try server.waitForExit() == 1, "\(server.errors)")
            let last = server.errorLines.last ?? ""
            #expect(last.hasPrefix("caravan serve: cannot start thread work: "), "\(server.errors)")
        }

        /// So much that what ended threads leave is not kept for new ones.
        private static let stackKilobytes = 1 << 20

        /// `limits` are set by a shell before.
        private func serve(
            _ arguments: [String], _ limits: String = ":", in directory: TemporaryDirectory
        ) throws -> RunningProcess {
            try RunningProcess(
                "/bin/sh",
                [
                    "-c", "\(limits); exec \"$0\" \"$@\"", Caravan.path(), "serve",
                    TestModel.path, "--listen", "127.0.0.1:0", "--context", "256",
                ] + arguments, in: directory)
        }

        private func limit(_ process: RunningProcess, _ limit: String) throws {
            let status = try RunningProcess(
                "/usr/bin/prlimit", ["--pid", "\(process.processID)", limit],
                in: try TemporaryDirectory()
            ).waitForExit()
            #expect(status == 0)
        }

        /// Once, and before anything takes memory; what there is room for needs no word.
        @Test(arguments: [("100TiB", 1), ("16MiB", 0)])
        func moreMemoryThanIsFreeIsSaid(memory: String, warningCount: Int) throws {
            let directory = try TemporaryDirectory()
            let worker = try TestCluster.startWorker(
                "w", joining: RawConnection.heldPort(), memory: memory, in: directory)
            let isJoining = Deadline.wait { worker.errors.contains(" joining ") }
            #expect(isJoining && worker.isRunning, "\(worker.errors)")
            let said = worker.errorLines.filter { $0.contains(" warning ") }
            #expect(said.count == warningCount, "\(worker.errors)")
            #expect(said.allSatisfy { $0.contains("--memory is 100 TiB and ") })
            worker.terminate()
            #expect(try worker.waitForExit(.seconds(10)) == 0, "\(worker.errors)")
            #expect(ProcessTable.living(directory).isEmpty)
        }
    }
}
