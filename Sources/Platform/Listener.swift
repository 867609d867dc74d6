// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A listening TCP socket.
package final class Listener: Sendable {
    private let descriptor: Int32
    /// Where it really listens; the port is chosen by the system when 0 was asked for.
    package let address: SocketAddress

    package init(_ address: SocketAddress) throws(SocketError) {
        guard let resolved = try address.resolve().first else {
            throw .cannotResolve(host: address.host, reason: "no address")
        }
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(resolved.family, kind, 0)
        guard descriptor >= 0 else {
            throw .cannotListen(address: address.description, errno: errno)
        }
        var enabled: Int32 = 1
        setsockopt(
            descriptor, SOL_SOCKET, SO_REUSEADDR, &enabled, socklen_t(MemoryLayout<Int32>.size))
        let bound = resolved.bytes.withUnsafeBytes { raw in
            bind(
                descriptor, raw.baseAddress?.assumingMemoryBound(to: sockaddr.self),
                socklen_t(raw.count))
        }
        guard bound == 0, listen(descriptor, 64) == 0 else {
            let error = errno
            close(descriptor)
            throw .cannotListen(address: address.description, errno: error)
        }
        self.descriptor = descriptor
        self.address = SocketAddress(host: address.host, port: boundPort(descriptor))
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

private func boundPort(_ descriptor: Int32) -> UInt16 {
    var storage = sockaddr_storage()
    var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return withUnsafeMutablePointer(to: &storage) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
            guard getsockname(descriptor, address, &size) == 0 else { return 0 }
            // The port lies at the same place in IPv4 and IPv6 addresses.
            return UnsafeRawPointer(address).loadUnaligned(fromByteOffset: 2, as: UInt16.self)
                .bigEndian
        }
    }
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
