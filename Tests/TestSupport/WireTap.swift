// SPDX-License-Identifier: Apache-2.0

import Glibc
package import Platform
import Synchronization

/// Someone between a client and a server: passes one connection on, keeps what the client said, may
/// change it, and cuts the line when told to.
package final class WireTap: Sendable {
    package let address: SocketAddress
    private let listening: Int32
    private let target: SocketAddress
    private let change: @Sendable (Int, UInt8) -> UInt8
    private let heard = Mutex<[UInt8]>([])
    private let ends = Mutex<[Int32]>([])
    private let threads = Mutex<[OSThread]>([])

    /// Listens on loopback. `change` gets the place of each of the client's bytes and the byte, and
    /// returns what the server is to get.
    package init(
        before target: SocketAddress,
        change: @escaping @Sendable (Int, UInt8) -> UInt8 = { $1 }
    ) throws {
        let socket = try PassiveSocket.open(SocketAddress(host: "127.0.0.1", port: 0))
        listening = socket.descriptor
        address = SocketAddress(host: "127.0.0.1", port: socket.port)
        self.target = target
        self.change = change
        let forward = try OSThread(name: "tap") { [self] in relay() }
        threads.withLock { $0.append(forward) }
    }

    /// What the client has sent so far.
    package var recording: [UInt8] { heard.withLock { $0 } }

    /// Ends both connections as a pulled plug or a dead process does, without TLS's goodbye.
    package func cut() {
        _ = shutdown(listening, Int32(SHUT_RDWR))
        ends.withLock { for descriptor in $0 { _ = shutdown(descriptor, Int32(SHUT_RDWR)) } }
    }

    /// Cuts the line and joins every thread.
    package func stop() {
        cut()
        for thread in threads.withLock({ $0 }) { thread.join() }
        ends.withLock { for descriptor in $0 { close(descriptor) } }
        close(listening)
    }

    private func relay() {
        let near = accept(listening, nil, nil)
        guard near >= 0 else { return }
        let far = RawSocket.connect(to: target)
        ends.withLock { $0 = [near, far] }
        let back = try? OSThread(name: "tap-back") { RawSocket.pump(from: far, to: near) { $0 } }
        RawSocket.pump(from: near, to: far) { [self] bytes in
            heard.withLock { heard in
                let start = heard.count
                heard += bytes
                return bytes.enumerated().map { change(start + $0.offset, $0.element) }
            }
        }
        back?.join()
    }
}

/// A socket without any protocol.
package enum RawSocket {
    /// Connects to a loopback address; -1 if that fails.
    package static func connect(to address: SocketAddress) -> Int32 {
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(AF_INET, kind, 0)
        var target = sockaddr_in()
        target.sin_family = sa_family_t(AF_INET)
        target.sin_port = address.port.bigEndian
        target.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let status = withUnsafePointer(to: &target) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else {
            close(descriptor)
            return -1
        }
        return descriptor
    }

    /// Sends what the other side takes; it may hang up in the middle.
    @discardableResult
    package static func send(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let put = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard put > 0 else { return false }
            sent += put
        }
        return true
    }

    /// Everything until the other side ends or resets the connection; nil if it is still open after
    /// a silent minute.
    package static func receiveToEnd(from descriptor: Int32) -> [UInt8]? {
        limitReceiving(descriptor)
        var received: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let got = recv(descriptor, &buffer, buffer.count, 0)
            if got < 0, errno == EAGAIN { return nil }
            guard got > 0 else { return received }
            received += buffer[..<got]
        }
    }

    /// Whether the other side sends something within a minute, and not the end.
    package static func awaitByte(from descriptor: Int32) -> Bool {
        limitReceiving(descriptor)
        var byte: UInt8 = 0
        return recv(descriptor, &byte, 1, Int32(MSG_PEEK)) == 1
    }

    /// Whether the other side has neither sent anything nor ended the connection.
    package static func isQuiet(_ descriptor: Int32) -> Bool {
        var byte: UInt8 = 0
        return recv(descriptor, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT)) < 0
            && errno == EAGAIN
    }

    private static func limitReceiving(_ descriptor: Int32) {
        var limit = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(
            descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    /// Ends what this side sends.
    package static func endSending(_ descriptor: Int32) {
        _ = shutdown(descriptor, Int32(SHUT_WR))
    }

    package static func close(_ descriptor: Int32) { _ = Glibc.close(descriptor) }

    /// Passes bytes on until an end, which it passes on too.
    static func pump(
        from source: Int32, to sink: Int32, _ change: ([UInt8]) -> [UInt8]
    ) {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let got = recv(source, &buffer, buffer.count, 0)
            guard got > 0, send(change(Array(buffer[..<got])), to: sink) else { break }
        }
        _ = shutdown(sink, Int32(SHUT_WR))
    }
}
