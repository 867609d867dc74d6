// SPDX-License-Identifier: Apache-2.0

/// The secret that the processes of one cluster share: whoever has it may join.
///
/// As text it is `caravan1-` and 72 hexadecimal digits: 32 random bytes, then the first four bytes
/// of their SHA-256, so that a token cut short or mistyped is noticed before it is used. Nothing
/// but `text` shows it: printed or interpolated it is "a cluster token".
package struct ClusterToken: Sendable, Equatable, CustomStringConvertible, CustomReflectable {
    static let secretByteCount = 32
    private static let checkByteCount = 4
    private static let prefix = "caravan1-"

    /// The pre-shared key of TLS.
    let secret: [UInt8]

    /// A fresh one, from the operating system's random numbers.
    package init() {
        var generator = SystemRandomNumberGenerator()
        secret = (0..<Self.secretByteCount).map { _ in .random(in: 0...255, using: &generator) }
    }

    /// Reads the text form; white space around it does not matter.
    package init(_ text: some StringProtocol) throws(ClusterTokenFault) {
        let text = text.drop { $0.isWhitespace }
        let word = text.prefix { !$0.isWhitespace }
        guard word.hasPrefix("caravan"), text.dropFirst(word.count).allSatisfy(\.isWhitespace)
        else { throw .notAToken }
        guard word.hasPrefix(Self.prefix) else { throw .unknownForm }
        let digits = Array(word.utf8.dropFirst(Self.prefix.utf8.count))
        let values = digits.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
        guard values.count == digits.count,
            values.count == 2 * (Self.secretByteCount + Self.checkByteCount)
        else { throw .mistyped }
        let bytes = stride(from: 0, to: values.count, by: 2).map {
            UInt8(values[$0] << 4 | values[$0 + 1])
        }
        secret = Array(bytes.prefix(Self.secretByteCount))
        guard Self.check(secret) == bytes.suffix(Self.checkByteCount) else { throw .mistyped }
    }

    /// The text form. For a token file or the pipe to a child; never for a log or an argument.
    package var text: String {
        let digits = Array("0123456789abcdef")
        return (secret + Self.check(secret)).reduce(into: Self.prefix) { text, byte in
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
    }

    package var description: String { "a cluster token" }
    package var customMirror: Mirror { Mirror(self, children: []) }

    private static func check(_ secret: [UInt8]) -> ArraySlice<UInt8> {
        var hash = SHA256()
        hash.update(secret)
        return hash.finish().prefix(checkByteCount)
    }
}

/// Why a text is not a cluster token.
package enum ClusterTokenFault: Error, Equatable {
    case notAToken
    /// It begins as a token does, but its form is not `caravan1-`.
    case unknownForm
    /// A digit is missing, wrong or too many.
    case mistyped
}

/// How the connections of a cluster are protected.
package enum StreamSecurity: Sendable {
    /// TLS 1.3; only those with the token get in.
    case token(ClusterToken)
    /// Nothing is encrypted and everybody gets in. For loopback alone.
    case plaintext
}
