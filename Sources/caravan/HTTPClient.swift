// SPDX-License-Identifier: Apache-2.0

import Foundation
import FoundationNetworking
import Platform

/// Fetches what a coordinator shows over HTTP.
enum HTTPClient {
    static let timeoutSeconds = 10.0

    /// The body of a 200 answer.
    static func get(_ address: String) throws(HTTPClientError) -> Data {
        guard let url = URL(string: address), url.scheme == "http" || url.scheme == "https" else {
            throw .badAddress(address)
        }
        let answers = Mailbox<Result<Data, HTTPClientError>>(capacity: 1)
        let request = URLRequest(url: url, timeoutInterval: timeoutSeconds)
        let task = URLSession.shared.dataTask(with: request) { data, response, error in
            if let error {
                answers.offer(.failure(.unreachable(address, error.localizedDescription)))
            } else if let response = response as? HTTPURLResponse, response.statusCode == 200 {
                answers.offer(.success(data ?? Data()))
            } else {
                answers.offer(.failure(.notACoordinator(address)))
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
    case notACoordinator(String)

    var description: String {
        switch self {
        case .badAddress(let text):
            "'\(text)' is not an HTTP address; write one like http://127.0.0.1:8080"
        case .unreachable(let address, let reason):
            "no coordinator answers at \(address): \(reason); is 'caravan serve' running there?"
        case .notACoordinator(let address):
            "what answers at \(address) is not a Caravan coordinator; check --url"
        }
    }
}
