// SPDX-License-Identifier: Apache-2.0

import Foundation
import FoundationNetworking
import Platform

/// Fetches what a coordinator shows over HTTP.
enum HTTPClient {
    static let timeoutSeconds = 10.0

    /// The body of a 200 answer.
    static func get(
        _ address: String, apiKey: String?, timeoutSeconds: Double = timeoutSeconds
    ) throws(HTTPClientError) -> Data {
        guard let url = URL(string: address), url.scheme == "http" || url.scheme == "https" else {
            throw .badAddress(address)
        }
        let answers = Mailbox<Result<Data, HTTPClientError>>(capacity: 1)
        var request = URLRequest(url: url, timeoutInterval: timeoutSeconds)
        if let apiKey { request.setValue("Bearer \(apiKey)", forHTTPHeaderField: "Authorization") }
        let task = URLSession.shared.dataTask(with: request) { data, response, error in
            if let error {
                answers.offer(.failure(.unreachable(address, error.localizedDescription)))
                return
            }
            switch (response as? HTTPURLResponse)?.statusCode {
            case 200?: answers.offer(.success(data ?? Data()))
            case 401?: answers.offer(.failure(.wrongKey(address)))
            default: answers.offer(.failure(.notACoordinator(address)))
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
    case unreachable(String, String)
    case wrongKey(String)
    case notACoordinator(String)

    var description: String {
        switch self {
        case .badAddress(let text):
            "'\(text)' is not an HTTP address; write one like http://127.0.0.1:8080"
        case .unreachable(let address, let reason):
            "no coordinator answers at \(address): \(reason); is 'caravan serve' running there?"
        case .wrongKey(let address):
            "\(address) asks for another API key; name the coordinator's with --api-key-file"
        case .notACoordinator(let address):
            "what answers at \(address) is not a Caravan coordinator; check --url"
        }
    }
}
