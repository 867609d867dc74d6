// SPDX-License-Identifier: Apache-2.0

/// The head of an HTTP answer: its status, and the headers that a stream's reader looks at.
///
/// The form is that of RFC 9112, sections 4 and 5.
package struct HTTPHead: Equatable {
    /// Far more than a coordinator, or a proxy before it, says there.
    package static let bytesMax = 16 << 10

    package var status: Int
    package var retryAfterSeconds: Int?
    /// Of the body; nil where it ends with the connection.
    package var contentLength: Int?
    /// The body is not sent as it is, though HTTP/1.0 was asked for.
    package var hasTransferCoding = false

    /// Splits what has come of an answer into head and body; nil while the head is incomplete.
    /// Throws where it is none.
    package static func split(
        _ bytes: [UInt8]
    ) throws(HTTPHeadFault) -> (head: HTTPHead, body: [UInt8])? {
        let seen = bytes.prefix(Self.bytesMax)
        var lines: [Substring] = []
        var start = seen.startIndex
        while let end = seen[start...].firstIndex(of: UInt8(ascii: "\n")) {
            var line = seen[start..<end]
            if line.last == UInt8(ascii: "\r") { line.removeLast() }
            start = end + 1
            guard !line.isEmpty else { return (try HTTPHead(lines), Array(bytes[start...])) }
            lines.append(Substring(decoding: line, as: UTF8.self))
        }
        guard bytes.count < Self.bytesMax else { throw .tooLong(limit: Self.bytesMax) }
        return nil
    }

    private init(_ lines: [Substring]) throws(HTTPHeadFault) {
        let words = lines.first?.split(separator: " ", maxSplits: 2) ?? []
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]),
            (100...999).contains(status)
        else { throw .notHTTP }
        self.status = status
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { throw .notHTTP }
            switch parts[0].lowercased() {
            case "retry-after": retryAfterSeconds = Int(parts[1].filter { $0 != " " })
            case "content-length": contentLength = Int(parts[1].filter { $0 != " " })
            case "transfer-encoding": hasTransferCoding = true
            default: break
            }
        }
    }

    package init(
        status: Int, retryAfterSeconds: Int? = nil, contentLength: Int? = nil,
        hasTransferCoding: Bool = false
    ) {
        self.status = status
        self.retryAfterSeconds = retryAfterSeconds
        self.contentLength = contentLength
        self.hasTransferCoding = hasTransferCoding
    }
}

/// Why what has come is no HTTP answer.
package enum HTTPHeadFault: Error, Equatable, CustomStringConvertible {
    case notHTTP
    case tooLong(limit: Int)

    package var description: String {
        switch self {
        case .notHTTP: "what answers does not speak HTTP"
        case .tooLong(let limit): "the answer's head is longer than \(limit) bytes"
        }
    }
}
