// SPDX-License-Identifier: Apache-2.0

/// A host, perhaps with a port, as `Host` headers and origins name it (RFC 3986, section 3.2).
struct Authority {
    /// In lower case; an address of IPv6 in its brackets.
    let host: String

    /// nil where what follows the host is no port.
    init?(_ text: some StringProtocol) {
        let text = text.lowercased().filter { $0 != " " && $0 != "\t" }
        let end: String.Index?
        if text.hasPrefix("[") {
            end = text.firstIndex(of: "]").map { text.index(after: $0) }
        } else {
            end = text.firstIndex(of: ":")
        }
        let port = text[(end ?? text.endIndex)...]
        guard port.isEmpty || (port.hasPrefix(":") && isDigits(port.dropFirst())) else {
            return nil
        }
        let name = text[..<(end ?? text.endIndex)]
        // A final dot says that the name is whole.
        host = String(name.hasSuffix(".") ? name.dropLast() : name)
    }

    /// Whether it is one of loopback's own names, for which no name server is asked.
    var isLoopback: Bool {
        if host == "localhost" || host == "[::1]" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127"
            && parts.allSatisfy { isDigits($0) && UInt8($0) != nil }
    }
}

private func isDigits(_ text: Substring) -> Bool {
    text.utf8.allSatisfy { (0x30...0x39).contains($0) }
}
