// SPDX-License-Identifier: Apache-2.0

import Glibc

/// `HOST:PORT` as written on the command line and on the wire; IPv6 hosts in brackets.
package struct SocketAddress: Sendable, Hashable, CustomStringConvertible {
    /// Leaves room for brackets and port in the 255 bytes that a text on the wire may have.
    package static let hostBytesMax = 247

    package var host: String
    package var port: UInt16

    package init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    package init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let digits = text[text.index(after: colon)...]
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = UInt16(digits)
        else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        guard !host.isEmpty, host.utf8.count <= Self.hostBytesMax else { return nil }
        self.init(host: String(host), port: port)
    }

    package var description: String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    /// Whether every address the host resolves to is this machine's loopback.
    package var isLoopback: Bool {
        guard let candidates = try? resolve() else { return false }
        return !candidates.isEmpty
            && candidates.allSatisfy { candidate in
                candidate.bytes.withUnsafeBytes { raw in
                    switch candidate.family {
                    case AF_INET:
                        raw.load(as: sockaddr_in.self).sin_addr.s_addr & 0xFF == 127
                    case AF_INET6:
                        raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self) == 0
                            && raw.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
                                == UInt64(1).bigEndian
                    default: false
                    }
                }
            }
    }

    /// Whether it stands for all of this machine's addresses, as `0.0.0.0` and `::` do.
    package var isUnspecified: Bool {
        guard let candidates = try? resolve(), !candidates.isEmpty else { return false }
        return candidates.allSatisfy { candidate in
            switch candidate.family {
            case AF_INET: candidate.bytes[4..<8].allSatisfy { $0 == 0 }
            case AF_INET6: candidate.bytes[8..<24].allSatisfy { $0 == 0 }
            default: false
            }
        }
    }

    /// The same port at `host`, where this stands for all addresses; otherwise itself.
    package func specified(by host: String?) -> SocketAddress {
        guard let host, isUnspecified else { return self }
        return SocketAddress(host: host, port: port)
    }

    /// Any port on all addresses of the family in which this one is reached.
    package var anyAddress: String {
        (try? resolve())?.first?.family == AF_INET6 ? "[::]:0" : "0.0.0.0:0"
    }

    /// Whether the host is an address and no name: it is found without asking anybody.
    package var isNumeric: Bool { (try? resolve(flags: AI_NUMERICHOST)) != nil }

    struct Resolved {
        let family: Int32
        let bytes: [UInt8]
    }

    func resolve(flags: Int32 = 0) throws(SocketError) -> [Resolved] {
        var hints = addrinfo()
        hints.ai_flags = flags
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host, String(port), &hints, &list)
        guard status == 0 else {
            throw .cannotResolve(host: host, reason: String(cString: gai_strerror(status)))
        }
        defer { freeaddrinfo(list) }
        var result: [Resolved] = []
        var next = list
        while let entry = next?.pointee {
            if let address = entry.ai_addr {
                let bytes = UnsafeRawBufferPointer(start: address, count: Int(entry.ai_addrlen))
                result.append(Resolved(family: entry.ai_family, bytes: Array(bytes)))
            }
            next = entry.ai_next
        }
        return result
    }
}

/// Why a socket could not be used.
package enum SocketError: Error, Equatable, CustomStringConvertible {
    case cannotResolve(host: String, reason: String)
    case cannotConnect(address: String, errno: Int32)
    case cannotListen(address: String, errno: Int32)
    case readFailed(errno: Int32)
    case writeFailed(errno: Int32)
    case timedOut(seconds: Double)
    /// The peer closed in the middle of what was being read.
    case closedEarly(missing: Int)
    case tls(TLSFault)

    /// Whether it says nothing of the peer: this process or the machine is short of descriptors or
    /// memory.
    package var isShortage: Bool {
        guard case .cannotConnect(_, let number) = self else { return false }
        return Shortage.errnos.contains(number)
    }

    package var description: String {
        switch self {
        case .cannotResolve(let host, let reason):
            "cannot resolve \(host): \(reason); check the host name"
        case .cannotConnect(let address, let errno):
            "cannot connect to \(address): \(systemMessage(errno)); "
                + (isShortage
                    ? "raise this process's limit of open files, or free memory"
                    : "check that it is running and reachable")
        case .cannotListen(let address, let errno):
            "cannot listen on \(address): \(systemMessage(errno)); "
                + "stop what uses it or choose another address or port"
        case .readFailed(let errno): "reading failed: \(systemMessage(errno))"
        case .writeFailed(let errno): "writing failed: \(systemMessage(errno))"
        case .timedOut(let seconds): "nothing happened for \((seconds * 100).rounded() / 100) s"
        case .closedEarly(let missing): "the peer closed with \(missing) bytes still to come"
        case .tls(let fault): "\(fault)"
        }
    }
}
