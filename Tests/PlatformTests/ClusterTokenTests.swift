// SPDX-License-Identifier: Apache-2.0

import Platform
import Testing

struct ClusterTokenTests {
    /// 32 bytes 00, 01, … 1f; the check is the start of their SHA-256, by coreutils' sha256sum.
    private static let known =
        "caravan1-000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f630dcd29"

    @Test func theTextFormComesBack() throws {
        #expect(try ClusterToken(Self.known).text == Self.known)
        #expect(try ClusterToken("  \(Self.known)\r\n\n").text == Self.known)
        let upper = "caravan1-" + Self.known.dropFirst(9).uppercased()
        #expect(try ClusterToken(upper).text == Self.known)
        let token = ClusterToken()
        #expect(try ClusterToken(token.text) == token)
        #expect(token != ClusterToken())
    }

    @Test func everyWrongOrMissingDigitIsNoticed() {
        let text = Array(Self.known)
        for index in "caravan1-".count..<text.count {
            var wrong = text
            wrong[index] = text[index] == "7" ? "8" : "7"
            #expect(throws: ClusterTokenFault.mistyped) { try ClusterToken(String(wrong)) }
            wrong.remove(at: index)
            #expect(throws: ClusterTokenFault.mistyped) { try ClusterToken(String(wrong)) }
        }
        #expect(throws: ClusterTokenFault.mistyped) { try ClusterToken(Self.known + "0") }
        #expect(throws: ClusterTokenFault.mistyped) {
            try ClusterToken(Self.known.dropLast() + "x")
        }
        #expect(throws: ClusterTokenFault.mistyped) { try ClusterToken("caravan1-") }
        #expect(throws: ClusterTokenFault.mistyped) { try ClusterToken("caravan1-ü") }
    }

    @Test(arguments: ["", " \n", "token", "CARAVAN1-00", "\u{FFFD}", "caravan1-00 11"])
    func otherTextsAreNoTokens(text: String) {
        #expect(throws: ClusterTokenFault.notAToken) { try ClusterToken(text) }
    }

    @Test func formsToComeAreToldApart() {
        #expect(throws: ClusterTokenFault.unknownForm) { try ClusterToken("caravan2-00") }
    }

    /// It may end up in a message or a dump; it must not be read there.
    @Test func nothingPrintsIt() throws {
        let token = try ClusterToken(Self.known)
        var dumped = ""
        dump(StreamSecurity.token(token), to: &dumped)
        let texts = [
            "\(token)", String(reflecting: token), "\(StreamSecurity.token(token))", dumped,
        ]
        for text in texts {
            #expect(!text.contains("0a0b0c") && !text.contains("10, 11, 12"), "\(text)")
        }
    }
}
