// SPDX-License-Identifier: Apache-2.0

import Platform
import Testing

/// Examples of FIPS 180-4's author (NIST, "Examples with Intermediate Values: SHA-256") and its
/// long message of a million letters.
struct SHA256Tests {
    private func hexadecimal(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func knownMessages(message: String, digest: String) {
        var hash = SHA256()
        hash.update(Array(message.utf8))
        #expect(hexadecimal(hash.finish()) == digest)
    }

    @Test func aMillionLettersInPieces() {
        var hash = SHA256()
        for _ in 0..<1000 { hash.update([UInt8](repeating: 0x61, count: 1000)) }
        let digest = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
        #expect(hexadecimal(hash.finish()) == digest)
    }

    @Test func startsAnewAfterItsEnd() {
        var hash = SHA256()
        hash.update([1, 2, 3])
        let first = hash.finish()
        hash.update([1, 2, 3])
        #expect(hash.finish() == first)
    }
}
