// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A listening TCP socket.
package final class Listener: Sendable {
    private let descriptor: Int32
    /// Where it really listens; the port is chosen by the system when 0 was asked for.
    package let address: SocketAddress

    package init(_ address: SocketAddress) throws(SocketError) {
        let socket = try PassiveSocket.open(address)
        descriptor = socket.descriptor
        self.address = SocketAddress(host: address.host, port: socket.port)
    }

    deinit { close(descriptor) }

    /// The next connection; nil once `stop` has been called.
    package func accept(writeTimeout: Duration) -> ByteStream? {
        while true {
            var storage = sockaddr_storage()
            var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
            let connection = withUnsafeMutablePointer(to: &storage) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    Glibc.accept(descriptor, $0, &size)
                }
            }
            if connection >= 0 {
                _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
                return ByteStream(
                    descriptor: connection, peer: describe(&storage, size),
                    writeTimeout: writeTimeout)
            }
            switch errno {
            case EINTR, ECONNABORTED: continue
            // What `shutdown` makes of a listening socket.
            case EINVAL, EBADF, ENOTSOCK: return nil
            // Out of descriptors or memory, or an error of the network that one connection met
            // (accept(2)): it passes, but don't spin meanwhile.
            default: usleep(50_000)
            }
        }
    }

    /// Wakes `accept`, which returns nil from now on.
    package func stop() { _ = shutdown(descriptor, Int32(SHUT_RDWR)) }
}

private func describe(_ storage: inout sockaddr_storage, _ size: socklen_t) -> String {
    var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
    var port = [CChar](repeating: 0, count: Int(NI_MAXSERV))
    let status = withUnsafeMutablePointer(to: &storage) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            getnameinfo(
                $0, size, &host, socklen_t(host.count), &port, socklen_t(port.count),
                NI_NUMERICHOST | NI_NUMERICSERV)
        }
    }
    guard status == 0 else { return "unknown" }
    func text(_ characters: [CChar]) -> String {
        String(decoding: characters.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
    return "\(text(host)):\(text(port))"
}
