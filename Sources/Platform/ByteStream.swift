// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import Synchronization

/// A connected stream of bytes, encrypted if it was made with a cluster token.
///
/// One thread calls `open` and then reads; once `open` has returned others write, one at a time;
/// `shutDown` may be called from any and wakes them. The descriptor is closed when the last
/// reference goes, so it can't be reused under a reader.
package final class ByteStream: Sendable {
    let descriptor: Int32
    private let security: StreamSecurity
    private let role: TLSSession.Role
    private let writeTimeout: Duration
    private let session = Mutex<TLSSession?>(nil)
    private let isOpen = Atomic(false)
    private let isShutDown = Atomic(false)
    package let peer: String

    /// Takes over a connected socket.
    private init(
        descriptor: Int32, role: TLSSession.Role, security: StreamSecurity, peer: String,
        writeTimeout: Duration
    ) {
        self.descriptor = descriptor
        self.role = role
        self.security = security
        self.peer = peer
        self.writeTimeout = writeTimeout
        StreamLiveness(bound: writeTimeout).watch(descriptor)
    }

    /// Takes over a socket that a listener accepted.
    convenience init(accepted descriptor: Int32, security: StreamSecurity, writeTimeout: Duration) {
        let peer = SocketEnds.peer(of: descriptor)?.description ?? "unknown"
        self.init(
            descriptor: descriptor, role: .server, security: security, peer: peer,
            writeTimeout: writeTimeout)
    }

    deinit { close(descriptor) }

    /// Connects to the first of the address's resolutions that answers within `timeout`.
    package convenience init(
        connectingTo address: SocketAddress, security: StreamSecurity, timeout: Duration,
        writeTimeout: Duration
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
                descriptor: descriptor, role: .client, security: security,
                peer: address.description, writeTimeout: writeTimeout)
            return
        }
        throw .cannotConnect(address: address.description, errno: failure)
    }

    package var isEncrypted: Bool {
        if case .token = security { true } else { false }
    }

    /// This machine's address as this connection has it.
    package var localHost: String? { SocketEnds.local(of: descriptor)?.host }

    /// Where it goes, as a number; nil once the connection has ended.
    package var remoteAddress: SocketAddress? { SocketEnds.peer(of: descriptor) }

    // MARK: Opening

    /// What opening has come to.
    package enum Opening: Sendable {
        case done
        /// The peer left without a word.
        case left
        case wantsInput
        case wantsOutput
    }

    /// Makes the stream ready for reading and writing: with a token, shakes hands and so lets both
    /// sides prove that they have it. False if the peer left without a word. Has no effect the
    /// second time.
    package func open(timeout: Duration) throws(SocketError) -> Bool {
        let deadline = MonotonicClock.now() + timeout
        while true {
            var event = POLLIN
            switch try stepOpening() {
            case .done: return true
            case .left: return false
            case .wantsInput: break
            case .wantsOutput: event = POLLOUT
            }
            guard wait(for: event, until: deadline) else {
                throw .timedOut(seconds: timeout.seconds)
            }
        }
    }

    /// Does of `open` what can be done without waiting. One thread calls it.
    package func stepOpening() throws(SocketError) -> Opening {
        guard !isOpen.load(ordering: .acquiring) else { return .done }
        if role == .server, session.withLock({ $0 == nil }) {
            var byte: UInt8 = 0
            let got = recv(descriptor, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT))
            if got == 0 { return .left }
            guard got > 0 else {
                guard errno == EAGAIN || errno == EINTR else { throw .readFailed(errno: errno) }
                return .wantsInput
            }
            switch (isEncrypted, byte == TLSRecord.handshake) {
            case (true, false): throw .tls(.notEncrypted)
            case (false, true): throw .tls(.unexpectedTLS)
            case (true, true), (false, false): break
            }
        }
        if case .token(let token) = security {
            switch try makeSession(token).shakeHands() {
            case .moved, .ended: break
            case .wantsInput: return .wantsInput
            case .wantsOutput: return .wantsOutput
            }
        }
        isOpen.store(true, ordering: .releasing)
        return .done
    }

    /// Made no earlier than it is needed: a connection that says nothing costs no memory for it.
    private func makeSession(_ token: ClusterToken) -> TLSSession {
        session.withLock { session in
            let made = session ?? TLSSession(role: role, descriptor: descriptor, token: token)
            session = made
            return made
        }
    }

    /// Sends `bytes` as they are to a peer with which no encryption could be agreed on, as far as
    /// the socket takes them at once.
    package func answerUnencrypted(_ bytes: [UInt8]) {
        precondition(!isOpen.load(ordering: .acquiring), "an open stream never sends in the clear")
        _ = bytes.withUnsafeBytes {
            Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT | MSG_NOSIGNAL))
        }
        endSocketWriting()
    }

    // MARK: Reading

    /// Exactly `count` bytes; nil when the peer closed before the first of them.
    ///
    /// The caller has checked `count` against a limit. With `timeout`, waits no longer in all.
    /// `onPart` is called whenever some of the bytes have come, but not the last.
    package func read(
        count: Int, timeout: Duration? = nil, onPart: () -> Void = {}
    ) throws(SocketError) -> [UInt8]? {
        let deadline = timeout.map { MonotonicClock.now() + $0 }
        var failure: SocketError?
        var isEnd = false
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            do throws(SocketError) {
                while filled < count {
                    let base = buffer.baseAddress.map { UnsafeMutableRawPointer($0 + filled) }
                    switch try receive(base, count - filled) {
                    case .moved(let got):
                        filled += got
                        if filled < count { onPart() }
                    case .ended where filled == 0:
                        isEnd = true
                        return
                    case .ended: throw .closedEarly(missing: count - filled)
                    case .wantsInput, .wantsOutput:
                        guard wait(for: POLLIN, until: deadline) else {
                            throw .timedOut(seconds: timeout?.seconds ?? 0)
                        }
                    }
                }
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return isEnd && count > 0 ? nil : bytes
    }

    /// What has come, at least a byte and at most `countMax`; nil when the peer has closed.
    ///
    /// Waits no longer than `timeout`.
    package func readSome(
        countMax: Int, timeout: Duration
    ) throws(SocketError) -> [UInt8]? {
        precondition(countMax > 0)
        let deadline = MonotonicClock.now() + timeout
        var failure: SocketError?
        let bytes = [UInt8](unsafeUninitializedCapacity: countMax) { buffer, filled in
            do throws(SocketError) {
                while filled == 0 {
                    switch try receive(UnsafeMutableRawPointer(buffer.baseAddress), countMax) {
                    case .moved(let got): filled = got
                    case .ended: return
                    case .wantsInput, .wantsOutput:
                        guard wait(for: POLLIN, until: deadline) else {
                            throw .timedOut(seconds: timeout.seconds)
                        }
                    }
                }
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes.isEmpty ? nil : bytes
    }

    private func receive(
        _ base: UnsafeMutableRawPointer?, _ count: Int
    ) throws(SocketError) -> StreamProgress {
        if let session = openSession() {
            do { return try session.receive(base, count: count) } catch {
                // What this side has cut off itself has ended as it should.
                guard case .tls(.truncated) = error, isShutDown.load(ordering: .acquiring)
                else { throw error }
                return .ended
            }
        }
        let got = recv(descriptor, base, count, Int32(MSG_DONTWAIT))
        if got > 0 { return .moved(got) }
        if got == 0 { return .ended }
        switch errno {
        case EAGAIN: return .wantsInput
        case EINTR: return .moved(0)
        default: throw .readFailed(errno: errno)
        }
    }

    /// Round trip and throughput as the kernel estimates them; 0 where it can't.
    package var pathReading: (roundTripMicroseconds: UInt32, bytesPerSecond: UInt64) {
        var trip: UInt32 = 0
        var rate: UInt64 = 0
        guard cl_tcp_path(descriptor, &trip, &rate) else { return (0, 0) }
        return (trip, rate)
    }

    /// Reads and throws away until the peer ends, for a bounded count of bytes and time.
    package func discardInput(byteCountMax: Int, timeout: Duration) {
        let deadline = MonotonicClock.now() + timeout
        var buffer = [UInt8](repeating: 0, count: 4096)
        var left = byteCountMax
        while left > 0, wait(for: POLLIN, until: deadline) {
            let got = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            guard got > 0 else { return }
            left -= got
        }
    }

    /// Throws away what is there; what is left of `byteCountMax` after it, nil when the peer has
    /// ended or that was too little.
    package func discardAvailable(byteCountMax: Int) -> Int? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let got = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        if got < 0, errno == EAGAIN || errno == EINTR { return byteCountMax }
        return got > 0 && got < byteCountMax ? byteCountMax - got : nil
    }

    // MARK: Writing

    package func write(_ bytes: [UInt8]) throws(SocketError) { try write(bytes[...]) }

    /// Sends all of `bytes`; fails when the peer takes nothing for the write time-out.
    package func write(_ bytes: ArraySlice<UInt8>) throws(SocketError) {
        var rest = bytes
        while true {
            rest = rest.dropFirst(try writeNow(rest))
            guard !rest.isEmpty else { return }
            guard wait(for: POLLOUT, until: MonotonicClock.now() + writeTimeout) else {
                throw .timedOut(seconds: writeTimeout.seconds)
            }
        }
    }

    /// Sends as many of `bytes` as the socket takes without waiting; their number. If it is not all
    /// of them, the next bytes sent have to be those that follow.
    package func writeNow(_ bytes: ArraySlice<UInt8>) throws(SocketError) -> Int {
        var failure: SocketError?
        let count = bytes.withUnsafeBytes { buffer in
            var sent = 0
            do throws(SocketError) {
                while sent < buffer.count, let base = buffer.baseAddress {
                    guard case .moved(let put) = try send(base + sent, buffer.count - sent) else {
                        break
                    }
                    sent += put
                }
            } catch SocketError.writeFailed(errno: ETIMEDOUT) {
                // The kernel, which has the same bound, was first.
                failure = .timedOut(seconds: writeTimeout.seconds)
            } catch {
                failure = error
            }
            return sent
        }
        if let failure { throw failure }
        return count
    }

    private func send(
        _ base: UnsafeRawPointer, _ count: Int
    ) throws(SocketError) -> StreamProgress {
        if let session = openSession() { return try session.send(base, count: count) }
        let put = Glibc.send(descriptor, base, count, Int32(MSG_DONTWAIT | MSG_NOSIGNAL))
        if put >= 0 { return .moved(put) }
        switch errno {
        case EAGAIN: return .wantsOutput
        case EINTR: return .moved(0)
        default: throw .writeFailed(errno: errno)
        }
    }

    // MARK: Ending

    /// Ends both directions: readers see the end, writers fail, the peer too.
    package func shutDown() {
        guard !isShutDown.exchange(true, ordering: .acquiringAndReleasing) else { return }
        if isOpen.load(ordering: .acquiring) { session.withLock { $0 }?.sayGoodbye() }
        _ = shutdown(descriptor, Int32(SHUT_RDWR))
    }

    /// Ends what this side sends; the peer can read all that was sent before.
    package func endWriting() {
        let deadline = MonotonicClock.now() + writeTimeout
        if isOpen.load(ordering: .acquiring), let session = session.withLock({ $0 }) {
            while case .wantsOutput = session.sayGoodbye(),
                wait(for: POLLOUT, until: deadline)
            {}
        }
        endSocketWriting()
    }

    private func endSocketWriting() { _ = shutdown(descriptor, Int32(SHUT_WR)) }

    /// Waits until the peer has ended its side, or this side has been shut down.
    package func waitForHangUp(timeout: Duration) {
        let milliseconds = Int32(clamping: timeout.microseconds / 1000)
        _ = PeerWatch.departed([descriptor], waitMilliseconds: milliseconds)
    }

    /// The session of an encrypted stream. Nothing goes over one before it is open.
    private func openSession() -> TLSSession? {
        precondition(isOpen.load(ordering: .acquiring), "open comes before reading and writing")
        return session.withLock { $0 }
    }

    /// Waits until the socket can be read or written; nil waits for ever.
    private func wait(for event: Int32, until deadline: Duration?) -> Bool {
        while true {
            var milliseconds: Int32 = -1
            if let deadline {
                let left = deadline - MonotonicClock.now()
                guard left > .zero else { return false }
                milliseconds = Int32(min(left.microseconds / 1000 + 1, 3_600_000))
            }
            var entry = pollfd(fd: descriptor, events: Int16(event), revents: 0)
            if poll(&entry, 1, milliseconds) > 0 { return true }
        }
    }
}

/// What a step of reading or writing came to.
enum StreamProgress {
    case moved(Int)
    case wantsInput
    case wantsOutput
    case ended
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
