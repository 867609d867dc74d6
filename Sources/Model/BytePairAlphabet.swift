// SPDX-License-Identifier: Apache-2.0

/// The printable characters that byte-level vocabularies write bytes as.
///
/// Printable Latin-1 characters stand for themselves; the other 68 bytes, in ascending order, are
/// written as U+0100 and following (a space is Ġ). Source: GPT-2's `bytes_to_unicode`.
struct BytePairAlphabet {
    /// The byte of scalar `i`, or -1.
    private let byteOfScalar: [Int16]

    init() {
        var table = [Int16](repeating: -1, count: 0x144)
        var next = 0x100
        for byte in 0...255 {
            switch byte {
            case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF:
                table[byte] = Int16(byte)
            default:
                table[next] = Int16(byte)
                next += 1
            }
        }
        byteOfScalar = table
    }

    /// The bytes that `text` stands for; nil where it has a character outside the alphabet.
    func bytes(of text: some Collection<Unicode.Scalar>) -> [UInt8]? {
        var bytes: [UInt8] = []
        for scalar in text {
            guard scalar.value < 0x144, byteOfScalar[Int(scalar.value)] >= 0 else { return nil }
            bytes.append(UInt8(byteOfScalar[Int(scalar.value)]))
        }
        return bytes
    }

    /// How `byte` is written.
    func character(of byte: UInt8) -> String {
        let scalar = byteOfScalar.firstIndex(of: Int16(byte)).flatMap { UnicodeScalar($0) }
        return scalar.map { String(Character($0)) } ?? ""
    }
}
