// SPDX-License-Identifier: Apache-2.0

import Foundation
import Platform

/// A request whose answer is read while it comes.
///
/// It goes over a socket of its own: on Linux URLSession watches the socket of a request for being
/// writable until its end, which keeps a core busy, and a core is what the cluster may lack. It
/// asks for HTTP/1.0 (RFC 1945), by which an answer is sent as it is and ends with its connection.
struct HTTPStream {
    static let connectPatience = Duration.seconds(10)
    /// Silence after which the coordinator counts as gone; it sends a comment every few seconds.
    static let silencePatience = Duration.seconds(60)
    private static let blockBytes = 16 << 10

    enum Part {
        /// Comes first.
        case head(status: Int, retryAfterSeconds: Int?)
        case bytes([UInt8])
        /// The connection was closed, or nothing is to come.
        case end
        /// The connection failed, before the answer's head or in its midst.
        case failed(String)
    }

    /// To be shut down by who does not want the rest; any thread may.
    let connection: ByteStream
    /// Before the head is complete what there is of it, then what came with it of the body.
    private var begun: [UInt8] = []
    private var hasHead = false
    /// Bytes of the body that are to come; nil where the connection's end is the body's.
    private var bytesLeft: Int?

    /// Where a stream from this URL comes from.
    static func target(
        of url: String
    ) throws(HTTPClientError) -> (address: SocketAddress, path: String) {
        guard let parts = URL(string: url), let host = parts.host, !host.isEmpty,
            let port = UInt16(exactly: parts.port ?? 80)
        else { throw .badAddress(url) }
        guard parts.scheme?.lowercased() == "http" else { throw .notPlain(url) }
        let bare = host.filter { $0 != "[" && $0 != "]" }
        return (SocketAddress(host: bare, port: port), parts.path(percentEncoded: true))
    }

    /// Posts `json` to `url`, or asks for what is there.
    init(
        to url: String, json: Data?, apiKey: String?, connectPatience: Duration = connectPatience
    ) throws(HTTPClientError) {
        let (address, path) = try Self.target(of: url)
        var head = [
            "\(json == nil ? "GET" : "POST") \(path) HTTP/1.0", "Host: \(address)",
            "Connection: close",
        ]
        if let json {
            head += ["Content-Type: application/json", "Content-Length: \(json.count)"]
        }
        if let apiKey { head.append("Authorization: Bearer \(apiKey)") }
        let lines = head.map { $0 + "\r\n" }.joined() + "\r\n"
        do throws(SocketError) {
            connection = try ByteStream(
                connectingTo: address, security: .plaintext, timeout: connectPatience,
                writeTimeout: Self.silencePatience)
            _ = try connection.open(timeout: connectPatience)
            try connection.write(Array(lines.utf8) + (json ?? Data()))
        } catch {
            throw .cannotConnect(error)
        }
    }

    /// The next part, `failed` where none comes in `patience`; after `end` and `failed` none comes.
    mutating func next(patience: Duration = silencePatience) -> Part {
        do {
            while !hasHead {
                guard let bytes = try read(patience) else {
                    return .failed("it hung up without a word")
                }
                begun += bytes
                guard let (head, body) = try HTTPHead.split(begun) else { continue }
                guard !head.hasTransferCoding else { return .failed("it does not know HTTP/1.0") }
                hasHead = true
                begun = body
                bytesLeft = head.contentLength
                return .head(status: head.status, retryAfterSeconds: head.retryAfterSeconds)
            }
            if let bytesLeft, bytesLeft <= 0 { return .end }
            guard let bytes = begun.isEmpty ? try read(patience) : begun else { return .end }
            begun = []
            bytesLeft = bytesLeft.map { $0 - bytes.count }
            return .bytes(bytes)
        } catch {
            return .failed("\(error)")
        }
    }

    private func read(_ patience: Duration) throws(SocketError) -> [UInt8]? {
        try connection.readSome(countMax: Self.blockBytes, timeout: patience)
    }
}
