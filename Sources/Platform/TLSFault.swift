// SPDX-License-Identifier: Apache-2.0

import CGnuTLS

/// What went wrong with the encryption of a connection, as either side may see it.
package enum TLSFault: Error, Equatable, CustomStringConvertible {
    /// The two sides have different tokens.
    case wrongToken
    /// The peer speaks TLS and offers no token.
    case noToken
    /// What the peer sent is not TLS.
    case notEncrypted
    /// The peer speaks TLS and this side does not.
    case unexpectedTLS
    /// The peer offers no version or cipher of TLS that this protocol allows.
    case nothingInCommon
    /// The peer sent more than `TLSSession.handshakeBytesMax` without being authenticated.
    case tooMuchBeforeToken
    /// The connection ended without TLS's goodbye: the process has died, or someone cut it off.
    case truncated
    /// Any other error: GnuTLS's number for it.
    case failed(Int32)
    /// The peer gave up the handshake with this alert (RFC 8446, section 6).
    case alert(UInt32)

    package var description: String {
        switch self {
        case .wrongToken: "the two sides have different cluster tokens"
        case .noToken: "it has no cluster token"
        case .notEncrypted: "it does not encrypt and this side does; is one of them --plaintext?"
        case .unexpectedTLS: "it encrypts and this side does not; is one of them --plaintext?"
        case .nothingInCommon: "it offers no TLS 1.3 with the parameters of this protocol"
        case .tooMuchBeforeToken: "it sent too much before it had shown a cluster token"
        case .truncated: "the connection broke off"
        case .failed(let code): "TLS failed: \(String(cString: gnutls_strerror(code)))"
        case .alert(let number): "the other side refused TLS with alert \(number)"
        }
    }

    /// Whether another attempt would end in the same way.
    package var isLasting: Bool {
        switch self {
        case .wrongToken, .noToken, .notEncrypted, .unexpectedTLS, .nothingInCommon, .alert: true
        case .tooMuchBeforeToken, .truncated, .failed: false
        }
    }

    /// What a failed handshake means to a server.
    init(serverStatus status: Int32, isTokenOffered: Bool) {
        switch status {
        case GNUTLS_E_RECEIVED_ILLEGAL_PARAMETER where isTokenOffered: self = .wrongToken
        case GNUTLS_E_INSUFFICIENT_CREDENTIALS, GNUTLS_E_SRP_PWD_ERROR: self = .noToken
        case GNUTLS_E_NO_CIPHER_SUITES, GNUTLS_E_NO_COMMON_KEY_SHARE,
            GNUTLS_E_UNSUPPORTED_VERSION_PACKET:
            self = .nothingInCommon
        case GNUTLS_E_PREMATURE_TERMINATION: self = .truncated
        default: self = .failed(status)
        }
    }

    /// What a failed handshake means to a client; servers refuse a token by one of these alerts.
    init(clientStatus status: Int32, alert: UInt32) {
        let illegalParameter: UInt32 = 47
        let decryptError: UInt32 = 51
        let unknownIdentity: UInt32 = 115
        switch (status, alert) {
        case (GNUTLS_E_FATAL_ALERT_RECEIVED, illegalParameter),
            (GNUTLS_E_FATAL_ALERT_RECEIVED, decryptError),
            (GNUTLS_E_FATAL_ALERT_RECEIVED, unknownIdentity):
            self = .wrongToken
        case (GNUTLS_E_FATAL_ALERT_RECEIVED, _): self = .alert(alert)
        case (GNUTLS_E_PREMATURE_TERMINATION, _): self = .truncated
        default: self = .failed(status)
        }
    }
}
