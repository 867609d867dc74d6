// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The two addresses of a connected socket, and those of this machine.
package enum SocketEnds {
    /// The address of the other side.
    static func peer(of descriptor: Int32) -> SocketAddress? {
        address { getpeername(descriptor, $0, $1) }
    }

    /// The address of this side: one at which the peer, at least, can reach this machine.
    static func local(of descriptor: Int32) -> SocketAddress? {
        address { getsockname(descriptor, $0, $1) }
    }

    /// The address at which others reach this machine: the one from which it would reach them, else
    /// the first that is neither loopback nor link-local; nil if it has none.
    package static func firstNetworkHost() -> String? { routedHost() ?? firstInterfaceHost() }

    /// The source address of the way to the world: connecting a datagram socket sends nothing, and
    /// 192.0.2.1 is nobody's (RFC 5737).
    private static func routedHost() -> String? {
        let kind = Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(AF_INET, kind, 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        let world = SocketAddress(host: "192.0.2.1", port: 9)
        guard let bytes = (try? world.resolve())?.first?.bytes else { return nil }
        let status = bytes.withUnsafeBytes { raw in
            connect(
                descriptor, raw.baseAddress?.assumingMemoryBound(to: sockaddr.self),
                socklen_t(raw.count))
        }
        guard status == 0, let own = local(of: descriptor), !own.isLoopback else { return nil }
        return own.host
    }

    private static func firstInterfaceHost() -> String? {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return nil }
        defer { freeifaddrs(list) }
        var later: String?
        var next = list
        while let entry = next?.pointee {
            next = entry.ifa_next
            let running = UInt32(IFF_UP | IFF_RUNNING)
            guard entry.ifa_flags & (running | UInt32(IFF_LOOPBACK)) == running,
                let address = entry.ifa_addr
            else { continue }
            switch Int32(address.pointee.sa_family) {
            case AF_INET:
                let size = socklen_t(MemoryLayout<sockaddr_in>.size)
                if let host = name(address, size)?.host { return host }
            case AF_INET6:
                let size = socklen_t(MemoryLayout<sockaddr_in6>.size)
                let host = name(address, size)?.host
                if let host, !host.lowercased().hasPrefix("fe80") { later = later ?? host }
            default: break
            }
        }
        return later
    }

    private static func address(
        _ ask: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) -> SocketAddress? {
        var storage = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                ask($0, &size) == 0 ? name($0, size) : nil
            }
        }
    }

    private static func name(
        _ address: UnsafeMutablePointer<sockaddr>, _ size: socklen_t
    ) -> SocketAddress? {
        var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        var port = [CChar](repeating: 0, count: Int(NI_MAXSERV))
        let status = getnameinfo(
            address, size, &host, socklen_t(host.count), &port, socklen_t(port.count),
            NI_NUMERICHOST | NI_NUMERICSERV)
        guard status == 0, let number = UInt16(text(port)) else { return nil }
        return SocketAddress(host: unmapped(text(host)), port: number)
    }

    /// An IPv4 peer of a socket for both families: others may have no IPv6 to reach it by.
    private static func unmapped(_ host: String) -> String {
        let prefix = "::ffff:"
        guard host.hasPrefix(prefix), host.contains(".") else { return host }
        return String(host.dropFirst(prefix.count))
    }

    private static func text(_ characters: [CChar]) -> String {
        String(decoding: characters.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
