// SPDX-License-Identifier: Apache-2.0

import CGnuTLS

/// A running SHA-256 (FIPS 180-4), computed by GnuTLS.
package struct SHA256: ~Copyable {
    private let handle: gnutls_hash_hd_t?

    package init() {
        var handle: gnutls_hash_hd_t?
        let status = gnutls_hash_init(&handle, GNUTLS_DIG_SHA256)
        precondition(status == 0, "GnuTLS offers no SHA-256")
        self.handle = handle
    }

    deinit { gnutls_hash_deinit(handle, nil) }

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count > 0 else { return }
        _ = gnutls_hash(handle, bytes.baseAddress, bytes.count)
    }

    package mutating func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { raw in _ = gnutls_hash(handle, raw.baseAddress, raw.count) }
    }

    /// The digest of everything so far; starts anew after it.
    package mutating func finish() -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        gnutls_hash_output(handle, &digest)
        return digest
    }
}
