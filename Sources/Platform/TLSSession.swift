// SPDX-License-Identifier: Apache-2.0

import CGnuTLS
import Glibc
import Synchronization

/// One end of a TLS 1.3 connection whose sides know the same cluster token (RFC 8446, external
/// PSK with an ephemeral key exchange).
///
/// GnuTLS lets one thread send while another receives, but not while keys are updated, which
/// either side may start at any time and GnuTLS does by itself after 2^24 records. So every call
/// is made under one lock, and none waits inside it: the socket is only asked for what it has or
/// takes at once, and `ByteStream` does the waiting.
final class TLSSession: Sendable {
    enum Role: Sendable { case client, server }

    /// One cipher suite, one group, and no key exchange without both the token and a fresh key.
    static let priority =
        "NONE:+VERS-TLS1.3:+AEAD:+AES-128-GCM:+GROUP-X25519:+ECDHE-PSK:+SHA256:+SIGN-ALL"
    /// Names the token in the handshake; there is one.
    static let identity = "caravan"
    /// What a peer may send before it is authenticated; a handshake takes less than 1 KiB.
    static let handshakeBytesMax = 16 << 10
    /// The longest handshake message taken.
    static let messageBytesMax = 4 << 10

    private let role: Role
    private let lock = Mutex(())
    /// Touched only with `lock` held.
    private nonisolated(unsafe) let handles: TLSHandles

    /// Over `descriptor`, which stays the caller's.
    init(role: Role, descriptor: Int32, token: ClusterToken) {
        self.role = role
        handles = TLSHandles(role: role, descriptor: descriptor, token: token)
    }

    /// Goes on with the handshake; `.moved` when it is done.
    func shakeHands() throws(SocketError) -> StreamProgress {
        let outcome = lock.withLock { _ in
            let status = gnutls_handshake(handles.session)
            if status == 0, gnutls_kx_get(handles.session) == GNUTLS_KX_ECDHE_PSK {
                // From here on the peer is one of us.
                handles.transport.pointee.allowance = .max
            } else if status < 0, gnutls_error_is_fatal(status) != 0 {
                gnutls_alert_send_appropriate(handles.session, status)
            }
            return HandshakeOutcome(status, handles)
        }
        switch outcome.status {
        case 0 where outcome.isTrusted: return .moved(0)
        case 0: throw .tls(.noToken)
        case let status where gnutls_error_is_fatal(status) == 0:
            return outcome.wantsOutput ? .wantsOutput : .wantsInput
        case _ where outcome.isForeign: throw .tls(.notEncrypted)
        case _ where outcome.isOverAllowance: throw .tls(.tooMuchBeforeToken)
        case GNUTLS_E_PULL_ERROR, GNUTLS_E_PUSH_ERROR: throw .readFailed(errno: outcome.errno)
        case let status:
            switch role {
            case .server:
                throw .tls(
                    TLSFault(serverStatus: status, isTokenOffered: outcome.isTokenOffered))
            case .client: throw .tls(TLSFault(clientStatus: status, alert: outcome.alert))
            }
        }
    }

    /// Puts at most `count` bytes at `base`, without waiting.
    func receive(
        _ base: UnsafeMutableRawPointer?, count: Int
    ) throws(SocketError) -> StreamProgress {
        let (status, errno) = lock.withLock { _ in
            (gnutls_record_recv(handles.session, base, count), handles.transport.pointee.errno)
        }
        switch Int32(clamping: status) {
        case 1...: return .moved(status)
        case 0: return .ended
        case GNUTLS_E_AGAIN, GNUTLS_E_INTERRUPTED: return .wantsInput
        case GNUTLS_E_PREMATURE_TERMINATION: throw .tls(.truncated)
        case GNUTLS_E_PULL_ERROR: throw .readFailed(errno: errno)
        case let code where gnutls_error_is_fatal(code) == 0: return .moved(0)
        case let code: throw .tls(.failed(code))
        }
    }

    /// Sends at most `count` bytes from `base`, without waiting. After `.wantsOutput` the next call
    /// has to be given the same bytes.
    func send(_ base: UnsafeRawPointer?, count: Int) throws(SocketError) -> StreamProgress {
        let (status, errno) = lock.withLock { _ in
            (gnutls_record_send(handles.session, base, count), handles.transport.pointee.errno)
        }
        switch Int32(clamping: status) {
        case 0...: return .moved(status)
        case GNUTLS_E_AGAIN, GNUTLS_E_INTERRUPTED: return .wantsOutput
        case GNUTLS_E_PUSH_ERROR: throw .writeFailed(errno: errno)
        case let code: throw .tls(.failed(code))
        }
    }

    /// Tells the peer that nothing follows; `.wantsOutput` if the socket does not take that now.
    @discardableResult
    func sayGoodbye() -> StreamProgress {
        let status = lock.withLock { _ in gnutls_bye(handles.session, GNUTLS_SHUT_WR) }
        return status == GNUTLS_E_AGAIN || status == GNUTLS_E_INTERRUPTED ? .wantsOutput : .ended
    }
}

/// What `gnutls_handshake` left behind.
private struct HandshakeOutcome {
    let status: Int32
    let isTrusted: Bool
    let wantsOutput: Bool
    let isTokenOffered: Bool
    let isOverAllowance: Bool
    let isForeign: Bool
    let alert: UInt32
    let errno: Int32

    init(_ status: Int32, _ handles: borrowing TLSHandles) {
        self.status = status
        isTrusted = gnutls_kx_get(handles.session) == GNUTLS_KX_ECDHE_PSK
        wantsOutput = gnutls_record_get_direction(handles.session) == 1
        alert = gnutls_alert_get(handles.session).rawValue
        isTokenOffered = handles.transport.pointee.isTokenOffered
        isForeign = handles.transport.pointee.isForeign
        isOverAllowance = handles.transport.pointee.isOverAllowance
        errno = handles.transport.pointee.errno
    }
}

/// GnuTLS's objects of one session, freed together.
private struct TLSHandles: ~Copyable {
    let session: gnutls_session_t
    let transport: UnsafeMutablePointer<TLSTransport>
    /// Read once for all sessions, each of which would keep 8 KiB of it; never freed.
    private nonisolated(unsafe) static let priority: gnutls_priority_t? = {
        var made: gnutls_priority_t?
        let status = gnutls_priority_init(&made, TLSSession.priority, nil)
        precondition(status == 0, "GnuTLS lacks \(TLSSession.priority)")
        return made
    }()

    private let client: gnutls_psk_client_credentials_t?
    private let server: gnutls_psk_server_credentials_t?

    init(role: TLSSession.Role, descriptor: Int32, token: ClusterToken) {
        transport = .allocate(capacity: 1)
        transport.initialize(to: TLSTransport(descriptor: descriptor, token: token))
        // Without tickets there is nothing to resume, hence nothing to replay.
        let chosen: [gnutls_init_flags_t] = [
            role == .client ? GNUTLS_CLIENT : GNUTLS_SERVER, GNUTLS_NO_TICKETS, GNUTLS_NONBLOCK,
        ]
        let flags = chosen.reduce(0) { $0 | UInt32($1.rawValue) }
        var made: gnutls_session_t?
        var client: gnutls_psk_client_credentials_t?
        var server: gnutls_psk_server_credentials_t?
        var status = gnutls_init(&made, flags)
        guard status == 0, let session = made else {
            preconditionFailure("no memory for a TLS session")
        }
        status = gnutls_priority_set(session, Self.priority)
        precondition(status == 0, "no memory for a TLS session")
        switch role {
        case .client: client = token.makeClientCredentials()
        case .server: server = ClusterToken.makeServerCredentials()
        }
        let credentials = (client ?? server).map { UnsafeMutableRawPointer($0) }
        status = gnutls_credentials_set(session, GNUTLS_CRD_PSK, credentials)
        precondition(status == 0, "no memory for a TLS session")
        gnutls_session_set_ptr(session, transport)
        gnutls_transport_set_ptr(session, transport)
        gnutls_transport_set_pull_function(session, TLSTransport.pull)
        gnutls_transport_set_push_function(session, TLSTransport.push)
        gnutls_handshake_set_max_packet_length(session, TLSSession.messageBytesMax)
        self.session = session
        self.client = client
        self.server = server
    }

    deinit {
        gnutls_deinit(session)
        if let client { gnutls_psk_free_client_credentials(client) }
        if let server { gnutls_psk_free_server_credentials(server) }
        transport.deinitialize(count: 1)
        transport.deallocate()
    }
}
