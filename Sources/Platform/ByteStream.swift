// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc

/// A connected stream of bytes: the one type behind which encryption will stand.
///
/// One thread reads and one writes; `shutDown` may be called from any and wakes both. The
/// descriptor is closed when the last reference goes, so it can't be reused under a reader.
package final class ByteStream: Sendable {
    private let descriptor: Int32
    private let writeTimeout: Duration
    package let peer: String

    /// Takes over a connected socket.
    init(descriptor: Int32, peer: String, writeTimeout: Duration) {
        self.descriptor = descriptor
        self.peer = peer
        self.writeTimeout = writeTimeout
        var enabled: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &enabled, size)
        setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &enabled, size)
        var limit = timeval(tv_sec: Int(writeTimeout.components.seconds), tv_usec: 0)
        setsockopt(
            descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    /// Connects to the first of the address's resolutions that answers within `timeout`.
    package convenience init(
        connectingTo address: SocketAddress, timeout: Duration, writeTimeout: Duration
    ) throws(SocketError) {
        var failure = EHOSTUNREACH
        for candidate in try address.resolve() {
            let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
            let descriptor = socket(candidate.family, kind, 0)
            guard descriptor >= 0 else {
                failure = errno
                continue
            }
            if let error = connectSocket(descriptor, to: candidate.bytes, timeout: timeout) {
                failure = error
                close(descriptor)
                continue
            }
            self.init(
                descriptor: descriptor, peer: address.description, writeTimeout: writeTimeout)
            return
        }
        throw .cannotConnect(address: address.description, errno: failure)
    }

    /// Exactly `count` bytes; nil when the peer closed before the first of them.
    ///
    /// The caller has checked `count` against a limit. With `timeout`, waits no longer in all.
    package func read(count: Int, timeout: Duration? = nil) throws(SocketError) -> [UInt8]? {
        let deadline = timeout.map { MonotonicClock.now() + $0 }
        var failure: SocketError?
        var isEnd = false
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                if let deadline, let timeout, !waitReadable(until: deadline) {
                    failure = .timedOut(seconds: timeout.seconds)
                    return
                }
                let base = buffer.baseAddress.map { UnsafeMutableRawPointer($0 + filled) }
                let got = recv(descriptor, base, count - filled, 0)
                if got > 0 {
                    filled += got
                } else if got == 0 {
                    isEnd = filled == 0
                    if !isEnd { failure = .closedEarly(missing: count - filled) }
                    return
                } else if errno != EINTR {
                    failure = .readFailed(errno: errno)
                    return
                }
            }
        }
        if let failure { throw failure }
        return isEnd && count > 0 ? nil : bytes
    }

    /// Sends all of `bytes`; fails when the peer takes nothing for the write time-out.
    package func write(_ bytes: [UInt8]) throws(SocketError) {
        var failure: SocketError?
        bytes.withUnsafeBytes { buffer in
            var sent = 0
            while sent < buffer.count, let base = buffer.baseAddress {
                let put = send(
                    descriptor, base + sent, buffer.count - sent, Int32(MSG_NOSIGNAL))
                if put > 0 {
                    sent += put
                } else if errno == EAGAIN {
                    failure = .timedOut(seconds: writeTimeout.seconds)
                    return
                } else if errno != EINTR {
                    failure = .writeFailed(errno: errno)
                    return
                }
            }
        }
        if let failure { throw failure }
    }

    /// Round trip and throughput as the kernel estimates them; 0 where it can't.
    package var pathReading: (roundTripMicroseconds: UInt32, bytesPerSecond: UInt64) {
        var trip: UInt32 = 0
        var rate: UInt64 = 0
        guard cl_tcp_path(descriptor, &trip, &rate) else { return (0, 0) }
        return (trip, rate)
    }

    /// Ends both directions: readers see the end, writers fail, the peer too.
    package func shutDown() { _ = shutdown(descriptor, Int32(SHUT_RDWR)) }

    /// Ends what this side sends; the peer can read all that was sent before.
    package func endWriting() { _ = shutdown(descriptor, Int32(SHUT_WR)) }

    /// Reads and throws away until the peer ends, for a bounded count of bytes and time.
    package func discardInput(byteCountMax: Int, timeout: Duration) {
        let deadline = MonotonicClock.now() + timeout
        var buffer = [UInt8](repeating: 0, count: 4096)
        var left = byteCountMax
        while left > 0, waitReadable(until: deadline) {
            let got = recv(descriptor, &buffer, buffer.count, 0)
            guard got > 0 else { return }
            left -= got
        }
    }

    /// Waits until the peer has ended its side, or this side has been shut down.
    package func waitForHangUp(timeout: Duration) {
        let milliseconds = Int32(clamping: timeout.microseconds / 1000)
        _ = PeerWatch.departed([descriptor], waitMilliseconds: milliseconds)
    }

    private func waitReadable(until deadline: Duration) -> Bool {
        while true {
            let left = deadline - MonotonicClock.now()
            guard left > .zero else { return false }
            var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let ready = poll(&entry, 1, Int32(min(left.microseconds / 1000 + 1, 3_600_000)))
            if ready > 0 { return true }
        }
    }
}

/// Connects without waiting longer than `timeout`; returns the error number, or nil.
private func connectSocket(_ descriptor: Int32, to address: [UInt8], timeout: Duration) -> Int32? {
    let flags = fcntl(descriptor, F_GETFL)
    _ = fcntl(descriptor, F_SETFL, flags | O_NONBLOCK)
    let status = address.withUnsafeBytes { raw in
        connect(
            descriptor, raw.baseAddress?.assumingMemoryBound(to: sockaddr.self),
            socklen_t(raw.count))
    }
    if status != 0 {
        guard errno == EINPROGRESS else { return errno }
        var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        guard poll(&entry, 1, Int32(timeout.microseconds / 1000)) > 0 else { return ETIMEDOUT }
        var error: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size)
        guard error == 0 else { return error }
    }
    _ = fcntl(descriptor, F_SETFL, flags)
    return nil
}
