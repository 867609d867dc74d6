// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

extension EndToEndTests {
    /// Strangers and broken peers on every port, while a request is being served.
    @Suite struct HostilePeerTests {
        /// Frames of proto/PROTOCOL.md; checksums are right unless the name says otherwise.
        enum Frames {
            /// `hello` whose protocolMin and protocolMax are 0.
            static let oldHello = bytes(
                "4352564e01000100000000007b000000000000008479d2190000000000000000"
                    + "00000000010000000000000002000000000000000100010000000040"
                    + "0000000003006f6c640b003132372e302e302e313a390800706f727461626c65"
                    + "010030"
                    + "000000000000000000000000000000000000000000000000000000000000"
                    + "000000000000000000000000000000000000000000000000000000000000")
            /// A good `hello` under header version 7.
            static let futureHeader = bytes(
                "4352564e07000100000000007b000000000000000e0885940000000000000000"
                    + "01000100010000000000000002000000000000000100010000000040"
                    + "0000000003006f6c640b003132372e302e302e313a390800706f727461626c65"
                    + "010030"
                    + "000000000000000000000000000000000000000000000000000000000000"
                    + "000000000000000000000000000000000000000000000000000000000000")
            /// `hello` whose last byte does not fit its checksum.
            static let damagedHello = bytes(
                "4352564e01000100000000007b00000000000000415150f70000000000000000"
                    + "01000100010000000000000002000000000000000100010000000040"
                    + "0000000003006f6c640b003132372e302e302e313a390800706f727461626c65"
                    + "010030"
                    + "000000000000000000000000000000000000000000000000000000000000"
                    + "000000000000000000000000000000000000000000000000000000000001")
            /// `hello` and `step` that announce a payload of 4 GiB.
            static let longHello = bytes(
                "4352564e0100010000000000ffffffff000000005d4391920000000000000000")
            static let longStep = bytes(
                "4352564e0100110000000000ffffffff000000004feea1430000000000000000")
            /// An empty `step` where `hello` or `dataHello` has to come.
            static let stepFirst = bytes(
                "4352564e01001100000000001000000000000000d81c44540000000000000000"
                    + "00000000000000000000000000000000")

            static let all = [
                oldHello, futureHeader, damagedHello, longHello, longStep, stepFirst,
            ]

            static func bytes(_ digits: String) -> [UInt8] {
                let values = digits.compactMap(\.hexDigitValue).map(UInt8.init)
                return stride(from: 0, to: values.count, by: 2).map {
                    values[$0] << 4 | values[$0 + 1]
                }
            }
        }

        /// The code of an `error` frame, or nil if `bytes` are something else.
        private func errorCode(_ bytes: [UInt8]) -> UInt16? {
            guard bytes.count >= 36, bytes.starts(with: Array("CRVN".utf8)), bytes[6] == 9
            else { return nil }
            return UInt16(bytes[32]) | UInt16(bytes[33]) << 8
        }

        private func noise(_ seed: UInt64, count: Int) -> [UInt8] {
            var state = seed
            return (0..<count).map { _ in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return UInt8(truncatingIfNeeded: state >> 33)
            }
        }

        @Test(arguments: [false, true])
        func answerGoesOnUnderNoise(isPlaintext: Bool) throws {
            let cluster = try TestCluster(
                workerCount: 2, isPlaintext: isPlaintext,
                serving: ["--context", "4096", "--slots", "2"])
            // More than come before the client is ended.
            let body = cluster.chat(
                "Tell me about rivers.", tokens: 3500, stream: true, ignoringEnd: true)
            let path = "/v1/chat/completions"
            let disturbed = try cluster.http.stream(path, body)
            #expect(disturbed.awaitEvents(10), "\(cluster.log)")
            let processes = [cluster.coordinator] + cluster.workers
            let before = processes.map { ProcessTable.privateBytes($0.processID) }
            for (index, port) in ([cluster.http.port, cluster.workersPort] + cluster.dataPorts)
                .enumerated()
            {
                for bytes in Frames.all + [noise(UInt64(index), count: 65_536), []] {
                    try RawConnection(port: port).send(bytes)
                }
            }
            #expect(disturbed.awaitEvents(20), "\(cluster.log)")
            // Nothing was allocated for the announced 4 GiB, neither here nor there.
            for (process, bytes) in zip(processes, before) {
                let growth = ProcessTable.privateBytes(process.processID) - bytes
                #expect(growth < 16 << 20, "\(growth) bytes: \(process.arguments)")
            }
            let found = try disturbed.hangUp()
            #expect(!found.hasError)
            let quiet = try cluster.http.stream(path, body)
            #expect(quiet.awaitEvents(found.data.count), "\(cluster.log)")
            #expect(try quiet.hangUp().content().hasPrefix(found.content()))
            #expect(processes.allSatisfy { $0.isRunning })
            try cluster.stop()
        }

        @Test func strangersAreToldWhy() throws {
            let cluster = try TestCluster(workerCount: 1, isPlaintext: true)
            let wanted: [([UInt8], UInt16)] = [
                (Frames.oldHello, 2), (Frames.longHello, 1), (Frames.longStep, 3),
                (Frames.stepFirst, 3),
                (Frames.damagedHello, 1), (noise(1, count: 64), 1),
            ]
            for (frame, code) in wanted {
                let connection = try RawConnection(port: cluster.workersPort)
                connection.send(frame)
                let answer = try #require(connection.receiveToEnd(), "still open")
                #expect(errorCode(answer) == code, "\(answer)")
            }
            for frame in [Frames.longHello, Frames.longStep, noise(2, count: 64)] {
                let connection = try RawConnection(port: cluster.dataPorts[0])
                connection.send(frame)
                #expect(connection.receiveToEnd() != nil, "still open")
            }
            #expect(cluster.http.health() == 200)
            try cluster.stop()
            let lines = cluster.coordinator.errorLines.filter { $0.contains("protocol 0 to 0") }
            #expect(lines.count == 1 && lines[0].contains("refused a connection"), "\(lines)")
        }

        @Test func silentStrangersDoNotBlock() throws {
            let cluster = try TestCluster(workerCount: 2)
            let silent = try ([cluster.http.port, cluster.workersPort] + cluster.dataPorts)
                .map(RawConnection.init(port:))
            let answer = try cluster.http.post(
                "/v1/chat/completions", cluster.chat("Hello", tokens: 4, stream: false))
            #expect(answer.status == 200)
            withExtendedLifetime(silent) {}
            try cluster.stop()
        }

        @Test func workerWithTooLittleMemoryIsRefused() throws {
            let cluster = try TestCluster(workerCount: 1)
            let small = try TestCluster.startWorker(
                "small", joining: cluster.workersPort, memory: "1MiB", in: cluster.directory)
            #expect(try small.waitForExit() == 1)
            let lines = small.errorLines.filter { $0.contains("memory") }
            #expect(lines.count == 1, "\(small.errors)")
            #expect(cluster.http.health() == 200)
            try cluster.stop()
        }

        @Test(arguments: [
            ("{", 400), ("{\"messages\": 5}", 400), ("[]", 400),
            (
                "{\"model\": \"gpt-0\", \"messages\": [{\"role\": \"user\", \"content\": \"a\"}]}",
                404
            ),
        ])
        func wrongRequests(body: String, status: Int) throws {
            let cluster = try TestCluster(workerCount: 1)
            let answer = try cluster.http.post("/v1/chat/completions", body)
            #expect(answer.status == status && answer.body.contains("\"error\""), "\(answer)")
            #expect(try cluster.http.get("/no/such/route").status == 404)
            try cluster.stop()
        }
    }
}
