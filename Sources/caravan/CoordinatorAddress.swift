// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Where a running coordinator's HTTP API is, and which key it asks for.
struct CoordinatorAddress {
    static let urlOption = Syntax.Option(
        "--url", "URL", "the coordinator's address (default http://127.0.0.1:8080)")
    static let apiKeyFileOption = Syntax.Option(
        "--api-key-file", "FILE", "a file whose first line is the coordinator's API key")

    let url: String
    private let apiKeyFile: String?

    init(_ options: Options) throws(UsageError) {
        url = try Self.url(in: options) ?? "http://127.0.0.1:8080"
        apiKeyFile = options.text("--api-key-file")
    }

    /// What `--url` names, in the form that paths, which begin with a slash, are added to.
    static func url(in options: Options) throws(UsageError) -> String? {
        guard let text = options.text("--url") else { return nil }
        guard let url = URL(string: text), ["http", "https"].contains(url.scheme?.lowercased()),
            url.host?.isEmpty == false, UInt16(exactly: url.port ?? 0) != nil
        else {
            throw .badValue("--url", text, "an address such as http://127.0.0.1:8080")
        }
        return String(text.dropLast(text.reversed().prefix { $0 == "/" }.count))
    }

    /// Reads the key's file; nil if none is named.
    func apiKey() throws(APIKeyError) -> String? {
        guard let apiKeyFile else { return nil }
        return try APIKeyFile.read(apiKeyFile)
    }
}
