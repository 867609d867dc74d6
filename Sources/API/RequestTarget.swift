// SPDX-License-Identifier: Apache-2.0

/// What a request line asks for, in origin form or in absolute form (RFC 9112, section 3.2).
struct RequestTarget {
    let path: String
    /// Of the absolute form, where it counts instead of the `Host` header.
    let authority: String?

    init(_ text: String) {
        let schemes = ["http://", "https://"]
        guard let scheme = schemes.first(where: { text.prefix($0.count).lowercased() == $0 }) else {
            path = text
            authority = nil
            return
        }
        let rest = text.dropFirst(scheme.count)
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        authority = String(rest[..<slash])
        path = slash == rest.endIndex ? "/" : String(rest[slash...])
    }
}
