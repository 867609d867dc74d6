// SPDX-License-Identifier: Apache-2.0

import CGnuTLS
import Glibc

/// What GnuTLS's callbacks for one session work with. They run inside the session's lock.
struct TLSTransport {
    let descriptor: Int32
    let token: ClusterToken
    /// Bytes that may still be received before the peer is authenticated.
    var allowance = TLSSession.handshakeBytesMax
    var isOverAllowance = false
    private var hasHeard = false
    /// Whether the first byte that came is none of TLS.
    var isForeign = false
    /// Whether a client has named the cluster token; that it has it is shown later.
    var isTokenOffered = false
    /// Of the last call that failed.
    var errno: Int32 = 0

    init(descriptor: Int32, token: ClusterToken) {
        self.descriptor = descriptor
        self.token = token
    }

    /// Receives what is there; -1 and `errno`, as `recv(2)` does.
    fileprivate mutating func receive(_ base: UnsafeMutableRawPointer?, _ count: Int) -> Int {
        guard allowance > 0 else {
            isOverAllowance = true
            return fail(EPERM)
        }
        let got = recv(descriptor, base, min(count, allowance), Int32(MSG_DONTWAIT))
        guard got >= 0 else { return fail(Glibc.errno) }
        if allowance != .max { allowance -= got }
        if !hasHeard, got > 0, let base {
            hasHeard = true
            isForeign = !TLSRecord.types.contains(base.load(as: UInt8.self))
            guard !isForeign else { return fail(EPROTO) }
        }
        return got
    }

    fileprivate mutating func send(_ base: UnsafeRawPointer?, _ count: Int) -> Int {
        let put = Glibc.send(descriptor, base, count, Int32(MSG_DONTWAIT | MSG_NOSIGNAL))
        return put >= 0 ? put : fail(Glibc.errno)
    }

    /// GnuTLS asks the C library's variable whether to try again.
    private mutating func fail(_ reason: Int32) -> Int {
        errno = reason
        Glibc.errno = reason
        return -1
    }
}

extension TLSTransport {
    static let pull: gnutls_pull_func = { pointer, base, count in
        pointer?.assumingMemoryBound(to: TLSTransport.self).pointee.receive(base, count) ?? -1
    }

    static let push: gnutls_push_func = { pointer, base, count in
        pointer?.assumingMemoryBound(to: TLSTransport.self).pointee.send(base, count) ?? -1
    }

    /// Gives a server the key that a client names; GnuTLS frees it with `free`.
    static let findKey:
        @convention(c) (
            gnutls_session_t?, UnsafePointer<CChar>?, UnsafeMutablePointer<gnutls_datum_t>?
        ) -> Int32 = { session, name, key in
            guard let transport = gnutls_session_get_ptr(session), let name, let key,
                strcmp(name, TLSSession.identity) == 0
            else { return -1 }
            let pointer = transport.assumingMemoryBound(to: TLSTransport.self)
            pointer.pointee.isTokenOffered = true
            let secret = pointer.pointee.token.secret
            guard let copy = malloc(secret.count) else { return -1 }
            secret.withUnsafeBytes { raw in
                copy.copyMemory(
                    from: raw.baseAddress ?? UnsafeRawPointer(copy), byteCount: raw.count)
            }
            key.pointee.data = copy.assumingMemoryBound(to: UInt8.self)
            key.pointee.size = UInt32(secret.count)
            return 0
        }
}

/// The first byte of TLS's records (RFC 8446, 5.1).
enum TLSRecord {
    static let handshake: UInt8 = 0x16
    /// Change of cipher, alert, handshake, data.
    static let types: ClosedRange<UInt8> = 0x14...0x17
}

extension ClusterToken {
    /// What a client shows.
    func makeClientCredentials() -> gnutls_psk_client_credentials_t? {
        var credentials: gnutls_psk_client_credentials_t?
        guard gnutls_psk_allocate_client_credentials(&credentials) == 0 else { return nil }
        var secret = self.secret
        let status = secret.withUnsafeMutableBufferPointer { bytes in
            var key = gnutls_datum_t(data: bytes.baseAddress, size: UInt32(bytes.count))
            return gnutls_psk_set_client_credentials(
                credentials, TLSSession.identity, &key, GNUTLS_PSK_KEY_RAW)
        }
        precondition(status == 0, "no memory for a TLS session")
        return credentials
    }

    /// What a server asks for; `TLSTransport.findKey` has the key.
    static func makeServerCredentials() -> gnutls_psk_server_credentials_t? {
        var credentials: gnutls_psk_server_credentials_t?
        guard gnutls_psk_allocate_server_credentials(&credentials) == 0 else { return nil }
        gnutls_psk_set_server_credentials_function(credentials, TLSTransport.findKey)
        return credentials
    }
}
