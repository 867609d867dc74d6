// SPDX-License-Identifier: Apache-2.0

import Platform
import Testing
import caravan

struct InvitationTests {
    private let network = SocketAddress(host: "10.0.0.1", port: 7070)
    private let loopback = SocketAddress(host: "127.0.0.1", port: 7070)
    private let credentials = "/run/credentials/caravan-coordinator.service"

    private func lines(
        _ address: SocketAddress, _ path: String?, credentials: String? = nil
    ) -> [String] {
        Invitation(to: address, tokenPath: path, credentialsDirectory: credentials).lines
    }

    /// Neither standard input nor another service's credential can be copied or named elsewhere.
    @Test func aTokenWithoutAFileToCopyIsNotNamed() {
        let path = credentials + "/token"
        for (address, host) in [(network, "10.0.0.1"), (loopback, "127.0.0.1")] {
            let told = [
                "workers join with: caravan worker --join \(host):7070 --token-file FILE, "
                    + "where FILE holds the same token"
            ]
            #expect(lines(address, "-") == told)
            #expect(lines(address, "-", credentials: credentials) == told)
            #expect(lines(address, path, credentials: credentials) == told)
        }
    }

    @Test func filesBesideTheCredentialsAreCopied() {
        for path in ["/etc/caravan/token", credentials + "-of-mine/token"] {
            for directory in [nil, credentials] {
                #expect(
                    lines(network, path, credentials: directory) == [
                        "for each further machine, here: scp \(path) MACHINE:caravan-token",
                        "then there: caravan worker --join 10.0.0.1:7070 --token-file "
                            + "~/caravan-token",
                    ])
            }
        }
        // Without the directory in the environment nothing says that it is one.
        #expect(lines(network, credentials + "/token").count == 2)
    }

    @Test func workersOfTheSameMachineUseTheFileItself() {
        #expect(
            lines(loopback, "/a/token") == [
                "workers join with: caravan worker --join 127.0.0.1:7070 --token-file /a/token"
            ])
    }

    @Test func pathsAreWrittenForAShell() {
        let here = FileSystem.absolutePath("token")
        #expect(here.hasPrefix("/") && here.hasSuffix("/token"))
        #expect(lines(loopback, "token").first?.contains(here) == true)
        #expect(lines(network, "/my files/t").first?.contains("scp '/my files/t' ") == true)
        #expect(lines(network, "/a'b/t").first?.contains("scp '/a'\\''b/t' ") == true)
    }

    @Test func plaintextNeedsNoToken() {
        #expect(
            lines(loopback, nil, credentials: credentials) == [
                "workers join with: caravan worker --join 127.0.0.1:7070 --plaintext"
            ])
    }
}
