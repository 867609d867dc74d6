// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A listening TCP socket as a bare descriptor, for `Listener` and for servers that do their own
/// accepting.
package enum PassiveSocket {
    /// Connections that may wait to be accepted.
    static let backlog: Int32 = 1024

    /// Binds `address` and listens; port 0 lets the system choose. The caller owns the descriptor.
    package static func open(
        _ address: SocketAddress
    ) throws(SocketError) -> (descriptor: Int32, port: UInt16) {
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
        guard bound == 0, listen(descriptor, backlog) == 0 else {
            let error = errno
            _ = Glibc.close(descriptor)
            throw .cannotListen(address: address.description, errno: error)
        }
        return (descriptor, boundPort(descriptor))
    }

    /// Throws what listening at all of `addresses` at once would, and listens at none of them.
    package static func check(_ addresses: [SocketAddress]) throws(SocketError) {
        var descriptors: [Int32] = []
        defer { for descriptor in descriptors { _ = Glibc.close(descriptor) } }
        for address in addresses { descriptors.append(try open(address).descriptor) }
    }

    private static func boundPort(_ descriptor: Int32) -> UInt16 {
        var storage = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                guard getsockname(descriptor, address, &size) == 0 else { return 0 }
                // The port lies at the same place in IPv4 and IPv6 addresses.
                return UnsafeRawPointer(address)
                    .loadUnaligned(fromByteOffset: 2, as: UInt16.self).bigEndian
            }
        }
    }
}
