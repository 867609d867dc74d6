// SPDX-License-Identifier: Apache-2.0

import Platform
import Testing

struct SocketAddressTests {
    @Test(arguments: [
        ("127.0.0.1:7070", "127.0.0.1", 7070), ("localhost:0", "localhost", 0),
        ("[::1]:65535", "::1", 65535), ("box.example:1", "box.example", 1),
    ])
    func parsesAndPrints(text: String, host: String, port: Int) throws {
        let address = try #require(SocketAddress(text))
        #expect(address.host == host)
        #expect(Int(address.port) == port)
        #expect(address.description == text)
    }

    @Test(arguments: [
        "", ":", ":80", "host", "host:", "host:65536", "host:-1", "host:+1", "host:8 0", "::1:80",
        "[]:80", "[::1:80", "::1]:80", "host:80:", "host: 80",
    ])
    func refusesWhatIsNoAddress(text: String) {
        #expect(SocketAddress(text) == nil)
    }

    @Test func theLongestTextFitsTheWire() throws {
        let longest = String(repeating: "a", count: SocketAddress.hostBytesMax)
        let address = try #require(SocketAddress("[\(longest)]:65535"))
        #expect("[\(address.host)]:\(address.port)".utf8.count <= 255)
        #expect(SocketAddress(longest + "a:1") == nil)
    }

    @Test func tellsNumbersFromNames() throws {
        for host in ["127.0.0.1", "0.0.0.0", "::1", "fe80::1"] {
            #expect(SocketAddress(host: host, port: 1).isNumeric)
        }
        for host in ["localhost", "box.example", "127.0.0.1.example", "::1::"] {
            #expect(!SocketAddress(host: host, port: 1).isNumeric)
        }
    }

    @Test func knowsLoopback() {
        #expect(SocketAddress(host: "127.0.0.1", port: 1).isLoopback)
        #expect(SocketAddress(host: "127.9.9.9", port: 1).isLoopback)
        #expect(SocketAddress(host: "::1", port: 1).isLoopback)
        #expect(!SocketAddress(host: "0.0.0.0", port: 1).isLoopback)
        #expect(!SocketAddress(host: "192.0.2.1", port: 1).isLoopback)
        #expect(!SocketAddress(host: "::2", port: 1).isLoopback)
    }
}
