// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Platform
import TestSupport
import Testing

extension EndToEndTests {
    /// Programs of other makers at the workers' port, and what they cost.
    @Suite struct OutsiderTests {
        private static let openssl = "/usr/bin/openssl"
        private static var hasOpenSSL: Bool {
            FileManager.default.isExecutableFile(atPath: openssl)
        }

        /// `openssl s_client` at the port; everything it said when it ended.
        private func connect(
            _ cluster: TestCluster, _ arguments: [String]
        ) throws -> String {
            let client = try RunningProcess(
                Self.openssl,
                ["s_client", "-connect", "127.0.0.1:\(cluster.workersPort)"] + arguments,
                in: cluster.directory)
            try client.waitForExit(.seconds(30))
            return client.output + client.errors
        }

        private func refusals(_ process: RunningProcess) -> [Substring] {
            process.errorLines.filter { $0.contains("refused a connection") }
        }

        @Test(.enabled(if: hasOpenSSL)) func otherKindsOfTLSAreRefused() throws {
            let cluster = try TestCluster(workerCount: 1)
            let token = try TokenFile.read(TestCluster.tokenPath(cluster.directory)).text
            let key = String(token.dropFirst(9).prefix(64))
            let wrong = String(repeating: "ab", count: 32)
            let suites: [(arguments: [String], said: String)] = [
                (["-tls1_3"], "no cluster token"),
                (["-tls1_2"], "no TLS 1.3"),
                (
                    ["-tls1_2", "-psk", key, "-psk_identity", "caravan", "-cipher", "PSK"],
                    "no TLS 1.3"
                ),
                (
                    ["-tls1_3", "-psk", wrong, "-psk_identity", "caravan"],
                    "different cluster tokens"
                ),
                (["-tls1_3", "-psk", key, "-psk_identity", "camel"], "no cluster token"),
            ]
            for (index, suite) in suites.enumerated() {
                let output = try connect(cluster, suite.arguments)
                #expect(output.contains("alert"), "\(suite.arguments): \(output)")
                #expect(
                    Deadline.wait { refusals(cluster.coordinator).count > index },
                    "\(suite.arguments)")
                let line = try #require(refusals(cluster.coordinator).last)
                #expect(line.contains(suite.said), "\(suite.arguments): \(line)")
            }
            #expect(refusals(cluster.coordinator).count == suites.count)
            #expect(cluster.http.health() == 200)
            try cluster.stop()
        }

        /// OpenSSL with the token gets in: the handshake is that of RFC 8446, not of one library.
        @Test(.enabled(if: hasOpenSSL)) func anotherLibraryWithTheTokenGetsIn() throws {
            let cluster = try TestCluster(workerCount: 1)
            let token = try TokenFile.read(TestCluster.tokenPath(cluster.directory)).text
            let key = String(token.dropFirst(9).prefix(64))
            let output = try connect(
                cluster,
                [
                    "-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256", "-psk", key,
                    "-psk_identity", "caravan",
                ])
            #expect(output.contains("TLS_AES_128_GCM_SHA256"), "\(output)")
            #expect(!output.contains("alert"), "\(output)")
            try cluster.stop()
        }

        /// The peer asks for new keys in both directions, again and again, between words.
        @Test(.enabled(if: hasOpenSSL)) func keysAreUpdatedWhenAnotherLibraryAsks() throws {
            let directory = try TemporaryDirectory()
            let token = ClusterToken()
            let listener = try Listener(
                SocketAddress(host: "127.0.0.1", port: 0), security: .token(token))
            let fifo = directory.file("words")
            #expect(mkfifo(fifo, 0o600) == 0)
            let script = """
                exec \(Self.openssl) s_client -connect \(listener.address) -tls1_3 \
                -ciphersuites TLS_AES_128_GCM_SHA256 -psk \(token.text.dropFirst(9).prefix(64)) \
                -psk_identity caravan < "$0"
                """
            let client = try RunningProcess("/bin/sh", ["-c", script, fifo], in: directory)
            let words = open(fifo, O_WRONLY)
            func say(_ text: String) { #expect(write(words, text, text.utf8.count) > 0) }
            let patience = Duration.seconds(30)
            let stream = try #require(listener.accept(writeTimeout: patience))
            try #require(try stream.open(timeout: patience))
            for round in 1...5 {
                say("ping \(round)\n")
                #expect(
                    try stream.read(count: 7, timeout: patience) == Array("ping \(round)\n".utf8))
                try stream.write(Array("pong \(round)\n".utf8))
                #expect(Deadline.wait { client.output.contains("pong \(round)\n") })
                say("K\n")
                let updates = {
                    (client.output + client.errors).split(separator: "KEYUPDATE").count
                }
                #expect(Deadline.wait { updates() > round }, "\(client.output)\(client.errors)")
            }
            stream.shutDown()
            close(words)
            try client.waitForExit(patience)
        }

        /// At most 64 KiB for each that is not authenticated, at the dearest point: a good first
        /// message, then nothing. Log lines do not grow with the number of connections.
        @Test(arguments: [false, true])
        func manyAtOnceCostLittle(atAWorker: Bool) throws {
            let cluster = try TestCluster(workerCount: 1)
            let path = TestCluster.tokenPath(cluster.directory)
            let process = atAWorker ? cluster.workers[0] : cluster.coordinator
            let number = atAWorker ? cluster.dataPorts[0] : cluster.workersPort
            let port = SocketAddress(host: "127.0.0.1", port: UInt16(number))
            let tap = try WireTap(before: port)
            let client = try ByteStream(
                connectingTo: tap.address, security: .token(TokenFile.read(path)),
                timeout: .seconds(20), writeTimeout: .seconds(20))
            #expect(try client.open(timeout: .seconds(20)))
            client.shutDown()
            tap.stop()
            let record = tap.recording
            let first = Array(record[..<(5 + Int(record[3]) << 8 + Int(record[4]))])

            let before = ProcessTable.privateBytes(process.processID)
            let visitors = (0..<64).map { _ in RawSocket.connect(to: port) }
            for visitor in visitors { RawSocket.send(first, to: visitor) }
            for visitor in visitors { #expect(RawSocket.awaitByte(from: visitor)) }
            let cost = (ProcessTable.privateBytes(process.processID) - before) / visitors.count
            #expect(cost <= 64 << 10, "\(cost) bytes each")

            for _ in 0..<500 {
                let stranger = RawSocket.connect(to: port)
                RawSocket.send(Array("GET / HTTP/1.1\r\n\r\n".utf8), to: stranger)
                RawSocket.close(stranger)
            }
            for visitor in visitors { #expect(RawSocket.receiveToEnd(from: visitor) != nil) }
            for visitor in visitors { RawSocket.close(visitor) }
            #expect(cluster.http.health() == 200)
            #expect(
                Deadline.wait { process.errors.contains("more connections within 10 s") })
            #expect(refusals(process).count < 20, "\(process.errors)")
            try cluster.stop()
        }
    }
}
