// SPDX-License-Identifier: Apache-2.0

import Platform
import Testing

struct PassiveSocketTests {
    private let anyPort = SocketAddress(host: "127.0.0.1", port: 0)

    @Test func whatIsTakenIsFoundAndTheOthersAreLetGo() throws {
        let taken = try Listener(anyPort, security: .plaintext)
        let inUse = SocketError.cannotListen(address: "\(taken.address)", errno: 98)
        // Nobody else has its port at another address.
        let free = SocketAddress(host: "127.0.0.77", port: taken.address.port)
        #expect(throws: inUse) { try PassiveSocket.check([free, taken.address]) }
        try PassiveSocket.check([free, anyPort, anyPort])
        try PassiveSocket.check([free])
        withExtendedLifetime(taken) {}
    }

    @Test func theAddressesAreCheckedTogether() throws {
        let taken = try Listener(anyPort, security: .plaintext)
        let free = SocketAddress(host: "127.0.0.77", port: taken.address.port)
        #expect(throws: SocketError.cannotListen(address: "\(free)", errno: 98)) {
            try PassiveSocket.check([free, free])
        }
        withExtendedLifetime(taken) {}
    }

    /// 192.0.2.1 is nobody's (RFC 5737).
    @Test func addressesOfOthersAreRefused() {
        let other = SocketAddress(host: "192.0.2.1", port: 0)
        #expect(throws: SocketError.cannotListen(address: "\(other)", errno: 99)) {
            try PassiveSocket.check([anyPort, other])
        }
    }
}
