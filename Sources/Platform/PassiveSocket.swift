// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Makes a listening TCP socket for a server that does its own accepting.
package enum PassiveSocket {
    /// Binds `address` (a host name or a numeric IPv4 or IPv6 address) and listens.
    ///
    /// Port 0 lets the system choose; the port really bound is returned. The caller owns the
    /// descriptor.
    package static func open(
        address: String, port: UInt16
    ) throws(PassiveSocketError) -> (descriptor: Int32, port: UInt16) {
        let name = address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)"
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_PASSIVE
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(address, String(port), &hints, &list)
        guard status == 0, let entry = list?.pointee else {
            throw .cannotListen(address: name, reason: String(cString: gai_strerror(status)))
        }
        defer { freeaddrinfo(list) }
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(entry.ai_family, kind, 0)
        guard descriptor >= 0 else {
            throw .cannotListen(address: name, reason: systemMessage(errno))
        }
        var enabled: Int32 = 1
        setsockopt(
            descriptor, SOL_SOCKET, SO_REUSEADDR, &enabled, socklen_t(MemoryLayout<Int32>.size))
        guard bind(descriptor, entry.ai_addr, entry.ai_addrlen) == 0,
            listen(descriptor, SOMAXCONN) == 0
        else {
            let reason = systemMessage(errno)
            close(descriptor)
            throw .cannotListen(address: name, reason: reason)
        }
        return (descriptor, boundPort(descriptor))
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

/// Why a server could not listen.
package enum PassiveSocketError: Error, Equatable, CustomStringConvertible {
    case cannotListen(address: String, reason: String)

    package var description: String {
        switch self {
        case .cannotListen(let address, let reason):
            "cannot listen on \(address): \(reason.prefix(1).lowercased())\(reason.dropFirst()); "
                + "stop what uses it or choose another address or port"
        }
    }
}
