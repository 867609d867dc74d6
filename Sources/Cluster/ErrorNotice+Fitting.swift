// SPDX-License-Identifier: Apache-2.0

package import Wire

extension ErrorNotice {
    /// A notice with as much of `message` as the protocol allows in one.
    ///
    /// Messages may quote file names and what other peers sent, so they have neither a bound nor a
    /// form until here.
    package init(code: Code, fitting message: String) {
        var text = ""
        var byteCount = 0
        for scalar in message.unicodeScalars {
            let isControl = scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
            let character = isControl ? " " : Character(scalar)
            byteCount += String(character).utf8.count
            guard byteCount <= Limits.messageBytesMax else { break }
            text.append(character)
        }
        self.init(code: code, message: text)
    }
}
