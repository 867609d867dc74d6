// SPDX-License-Identifier: Apache-2.0

/// A byte-level BPE vocabulary of 256 bytes, a few merges and three special tokens.
package struct TinyVocabulary: Sendable {
    package static let chatTemplate = """
        {% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + \
        message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}\
        {% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}
        """

    package let tokens: [String]
    /// 1 for a normal token, 3 for a control token.
    package let types: [Int32]
    package let merges: [String]
    /// `<|im_start|>`.
    package let beginning: Int
    /// `<|im_end|>`.
    package let end: Int

    package init() {
        merges = [
            "h e", "l l", "he ll", "hell o", "Ġ w", "o r", "Ġw or", "l d", "Ġwor ld", "i n",
            "Ġ t", "Ġt he",
        ]
        let bytes = (0..<256).map { Self.character(of: UInt8($0)) }
        let merged = merges.map { $0.split(separator: " ").joined() }
        let special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
        tokens = bytes + merged + special
        let normalCount = bytes.count + merged.count
        types =
            [Int32](repeating: 1, count: normalCount) + [Int32](repeating: 3, count: special.count)
        beginning = normalCount + 1
        end = normalCount + 2
    }

    /// GPT-2's visible stand-in for a byte: itself where printable, else U+0100 and on in order.
    package static func character(of byte: UInt8) -> String {
        let printable: (UInt8) -> Bool = {
            (33...126).contains($0) || (161...172).contains($0) || $0 >= 174
        }
        if printable(byte) { return String(UnicodeScalar(byte)) }
        let place = (0..<byte).filter { !printable($0) }.count
        return UnicodeScalar(256 + UInt32(place)).map(String.init) ?? ""
    }
}
