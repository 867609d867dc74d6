// SPDX-License-Identifier: Apache-2.0

import Glibc
import Platform
import TestSupport
import Testing

struct StreamLivenessTests {
    /// Both ends have the write time-out as their bound, and ask a silent peer every second, more
    /// than once before it.
    @Test(arguments: [(bound: 10, idle: Int32(3)), (3, 1), (1, 1)])
    func aPeerThatIsSilentIsFoundOut(bound: Int, idle: Int32) throws {
        let listener = try Listener(SocketAddress(host: "127.0.0.1", port: 0), security: .plaintext)
        let near = try ByteStream(
            connectingTo: listener.address, security: .plaintext, timeout: .seconds(10),
            writeTimeout: .seconds(bound))
        let far = try #require(listener.accept(writeTimeout: .seconds(bound)))
        let port = listener.address.port
        let ends = (0..<1024).map { Int32($0) }.filter {
            port == Self.port($0, getsockname) && Self.port($0, getpeername) != nil
                || port == Self.port($0, getpeername)
        }
        #expect(ends.count == 2)
        for end in ends {
            #expect(Self.option(end, SOL_SOCKET, SO_KEEPALIVE) == 1)
            let tcp = Int32(IPPROTO_TCP)
            #expect(Self.option(end, tcp, TCP_NODELAY) == 1)
            #expect(Self.option(end, tcp, TCP_KEEPIDLE) == idle)
            #expect(Self.option(end, tcp, TCP_KEEPINTVL) == 1)
            #expect(Self.option(end, tcp, TCP_USER_TIMEOUT) == Int32(bound * 1000))
        }
        withExtendedLifetime((near, far)) {}
    }

    /// What a server that accepts for itself needs: its connections are as the listening socket.
    @Test func connectionsAreAsTheSocketThatListens() throws {
        let address = SocketAddress(host: "127.0.0.1", port: 0)
        let (descriptor, port) = try PassiveSocket.open(address)
        defer { close(descriptor) }
        StreamLiveness(bound: .seconds(60), idleTimeMax: .seconds(15))
            .watchConnections(of: descriptor)
        let client = try ByteStream(
            connectingTo: SocketAddress(host: "127.0.0.1", port: port), security: .plaintext,
            timeout: .seconds(10), writeTimeout: .seconds(10))
        let accepted = accept(descriptor, nil, nil)
        defer { close(accepted) }
        #expect(Self.option(accepted, SOL_SOCKET, SO_KEEPALIVE) == 1)
        #expect(Self.option(accepted, Int32(IPPROTO_TCP), TCP_KEEPIDLE) == 15)
        #expect(Self.option(accepted, Int32(IPPROTO_TCP), TCP_USER_TIMEOUT) == 60_000)
        withExtendedLifetime(client) {}
    }

    private static func option(_ socket: Int32, _ level: Int32, _ name: Int32) -> Int32? {
        var value: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(socket, level, name, &value, &size) == 0 ? value : nil
    }

    /// Of one end of a connection over IPv4.
    private static func port(
        _ socket: Int32,
        _ ask: (Int32, UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) -> UInt16? {
        var address = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { ask(socket, $0, &size) }
        }
        guard status == 0, Int32(address.sin_family) == AF_INET else { return nil }
        return UInt16(bigEndian: address.sin_port)
    }
}
