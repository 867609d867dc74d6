// SPDX-License-Identifier: Apache-2.0

import Foundation
import FoundationNetworking
import Platform

/// Fetches what a coordinator shows over HTTP.
enum HTTPClient {
    static let timeoutSeconds = 10.0

    /// The body of a 200 answer. Where a coordinator answers only at other names, that is thrown.
    static func get(
        _ address: String, apiKey: String?, timeoutSeconds: Double = timeoutSeconds
    ) throws(HTTPClientError) -> Data {
        let (status, data) = try send(to: address, apiKey: apiKey, timeoutSeconds: timeoutSeconds)
        guard status == 200 else {
            guard status == 403, let refusal = Refusal(json: data) else {
                throw .notACoordinator(address)
            }
            throw .refused(refusal.message)
        }
        return data
    }

    /// Sends `body` as JSON. An answer other than 2xx is thrown: `refused` with what it says.
    static func post(
        _ address: String, _ body: some Encodable, apiKey: String?
    ) throws(HTTPClientError) {
        let (status, data) = try send(
            to: address, body: json(body), apiKey: apiKey, timeoutSeconds: timeoutSeconds)
        guard !(200..<300).contains(status) else { return }
        guard let refusal = Refusal(json: data) else { throw .notACoordinator(address) }
        throw .refused(refusal.message)
    }

    static func json(_ body: some Encodable) -> Data {
        guard let json = try? JSONEncoder().encode(body) else { preconditionFailure("plain JSON") }
        return json
    }

    /// The answer's status and body; without `body` it is a GET.
    private static func send(
        to address: String, body: Data? = nil, apiKey: String?, timeoutSeconds: Double
    ) throws(HTTPClientError) -> (Int, Data) {
        guard let url = URL(string: address) else { throw .badAddress(address) }
        let (status, data) =
            switch url.scheme?.lowercased() {
            case "http":
                try sendPlainly(
                    to: address, body: body, apiKey: apiKey, timeout: .seconds(timeoutSeconds))
            case "https":
                try sendSecurely(
                    to: url, body: body, apiKey: apiKey, timeoutSeconds: timeoutSeconds)
            default: throw .badAddress(address)
            }
        guard status != 401 else { throw .wrongKey(address) }
        return (status, data)
    }

    /// Over a socket of our own: URLSession on Linux knows no addresses of IPv6.
    private static func sendPlainly(
        to address: String, body: Data?, apiKey: String?, timeout: Duration
    ) throws(HTTPClientError) -> (Int, Data) {
        let end = MonotonicClock.now() + timeout
        var stream = try HTTPStream(
            to: address, json: body, apiKey: apiKey, connectPatience: timeout)
        defer { stream.connection.shutDown() }
        var answer = (status: 0, body: Data())
        while answer.body.count <= answerBytesMax {
            switch stream.next(patience: max(.zero, end - MonotonicClock.now())) {
            case .head(let status, _): answer.status = status
            case .bytes(let bytes): answer.body += bytes
            case .end: return answer
            case .failed(let reason): throw .unreachable(address, reason)
            }
        }
        throw .unreachable(address, "its answer does not end")
    }

    /// Far more than a status of the largest cluster has.
    private static let answerBytesMax = 64 << 20

    private static func sendSecurely(
        to url: URL, body: Data?, apiKey: String?, timeoutSeconds: Double
    ) throws(HTTPClientError) -> (Int, Data) {
        let address = url.absoluteString
        let answers = Mailbox<Result<(Int, Data), HTTPClientError>>(capacity: 1)
        var request = URLRequest(url: url, timeoutInterval: timeoutSeconds)
        if let apiKey { request.setValue("Bearer \(apiKey)", forHTTPHeaderField: "Authorization") }
        if let body {
            request.httpMethod = "POST"
            request.httpBody = body
            request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        }
        let task = URLSession.shared.dataTask(with: request) { data, response, error in
            if let error {
                answers.offer(.failure(.unreachable(address, error.localizedDescription)))
                return
            }
            switch (response as? HTTPURLResponse)?.statusCode {
            case let status?: answers.offer(.success((status, data ?? Data())))
            case nil: answers.offer(.failure(.notACoordinator(address)))
            }
        }
        task.resume()
        guard let answer = answers.take(timeout: .seconds(timeoutSeconds + 1)) else {
            throw .unreachable(address, "no answer")
        }
        return try answer.get()
    }
}

enum HTTPClientError: Error, CustomStringConvertible {
    case badAddress(String)
    /// For streams.
    case notPlain(String)
    case unreachable(String, String)
    /// It says where, and what to do.
    case cannotConnect(SocketError)
    case wrongKey(String)
    case notACoordinator(String)
    /// A coordinator has said why it doesn't do what was asked.
    case refused(String)

    var description: String {
        switch self {
        case .badAddress(let text):
            "'\(text)' is not an HTTP address; write one like http://127.0.0.1:8080"
        case .notPlain(let text):
            "'\(text)' is not an address that begins with http://, which is all that a chat takes; "
                + "go through a tunnel, such as that of ssh -L"
        case .cannotConnect(let error):
            "no coordinator answers: \(error); 'caravan serve' starts one"
        case .unreachable(let address, let reason):
            "no coordinator answers at \(address): \(reason); is 'caravan serve' running there?"
        case .wrongKey(let address):
            "\(address) asks for another API key; name the coordinator's with --api-key-file"
        case .notACoordinator(let address):
            "what answers at \(address) is not a Caravan coordinator; check --url"
        case .refused(let reason): reason
        }
    }
}
