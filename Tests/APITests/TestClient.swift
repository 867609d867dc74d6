// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Testing

/// A blocking TCP connection that can say anything, HTTP or not.
final class TestClient {
    /// Seconds; for waits that only end this way when something is broken.
    static let patience = 60.0
    private let descriptor: Int32
    private var isOpen = true
    /// Bytes received and not yet taken.
    private(set) var received: [UInt8] = []

    init(port: UInt16, receiveBufferBytes: Int32? = nil) {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        if var size = receiveBufferBytes {
            setsockopt(
                descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        precondition(status == 0, "cannot connect to port \(port)")
        var limit = timeval(tv_sec: Int(Self.patience), tv_usec: 0)
        setsockopt(
            descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close() }

    func close() {
        if isOpen { Glibc.close(descriptor) }
        isOpen = false
    }

    /// Sends all of `bytes`, or as many as the peer takes before it closes.
    func send(_ bytes: [UInt8]) {
        var offset = 0
        while offset < bytes.count {
            let count = bytes[offset...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            offset += count
        }
    }

    func send(_ text: String) { send(Array(text.utf8)) }

    func send(
        _ method: String, _ path: String, body: [UInt8]? = nil, headers: [String] = []
    ) {
        var lines =
            ["\(method) \(path) HTTP/1.1", "Host: localhost", "Connection: close"] + headers
        if let body { lines.append("Content-Length: \(body.count)") }
        send(lines.joined(separator: "\r\n") + "\r\n\r\n")
        if let body { send(body) }
    }

    /// Receives until `text` has come; false when the peer closed before.
    func receive(until text: String) -> Bool {
        let wanted = Array(text.utf8)
        while !contains(wanted) {
            guard receiveSome() else { return false }
        }
        return true
    }

    /// Receives until the peer closes.
    func receiveAll() -> [UInt8] {
        while receiveSome() {}
        return received
    }

    private func contains(_ wanted: [UInt8]) -> Bool {
        Data(received).range(of: Data(wanted)) != nil
    }

    private func receiveSome() -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65536)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        if count < 0, errno == EAGAIN { Issue.record("nothing came for \(Self.patience) s") }
        guard count > 0 else { return false }
        received += buffer.prefix(count)
        return true
    }
}

/// An HTTP response taken apart.
struct TestResponse {
    var status = 0
    /// Names in lower case.
    var headers: [String: String] = [:]
    var body: [UInt8] = []

    init(_ bytes: [UInt8]) {
        guard let gap = Data(bytes).range(of: Data("\r\n\r\n".utf8)) else { return }
        let head = String(decoding: bytes[..<gap.lowerBound], as: UTF8.self)
        let lines = head.split(separator: "\r\n")
        status = Int(lines.first?.split(separator: " ").dropFirst().first ?? "") ?? 0
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { continue }
            headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
        }
        body = Array(bytes[gap.upperBound...])
        if headers["transfer-encoding"] == "chunked" { body = Self.dechunked(body) }
    }

    private static func dechunked(_ bytes: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        var rest = bytes[...]
        while let line = rest.firstIndex(of: 13) {
            let size = Int(String(decoding: rest[..<line], as: UTF8.self), radix: 16) ?? 0
            guard size > 0, rest.endIndex >= line + 2 + size else { break }
            result += rest[(line + 2)..<(line + 2 + size)]
            rest = rest.dropFirst(line - rest.startIndex + 2 + size + 2)
        }
        return result
    }

    var text: String { String(decoding: body, as: UTF8.self) }

    var json: [String: Any] { Self.object(body) }

    /// `error` of OpenAI's error object.
    var error: [String: Any] { json["error"] as? [String: Any] ?? [:] }

    /// The data of each server-sent event.
    var events: [String] {
        text.components(separatedBy: "\n\n").filter { $0.hasPrefix("data: ") }
            .map { String($0.dropFirst(6)) }
    }

    /// The events that are JSON objects.
    var chunks: [[String: Any]] {
        events.filter { $0 != "[DONE]" }.map { Self.object(Array($0.utf8)) }
    }

    private static func object(_ bytes: [UInt8]) -> [String: Any] {
        (try? JSONSerialization.jsonObject(with: Data(bytes))) as? [String: Any] ?? [:]
    }
}

/// The value at a path such as `["choices", 0, "delta", "content"]`.
func value(_ root: Any?, _ path: Any...) -> Any? {
    path.reduce(root) { node, step in
        if let key = step as? String { return (node as? [String: Any])?[key] }
        if let index = step as? Int, let list = node as? [Any], list.indices.contains(index) {
            return list[index]
        }
        return nil
    }
}
