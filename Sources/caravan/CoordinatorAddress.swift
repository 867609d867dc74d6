// SPDX-License-Identifier: Apache-2.0

/// Where a running coordinator's HTTP API is, and which key it asks for.
struct CoordinatorAddress {
    static let urlOption = Syntax.Option(
        "--url", "URL", "the coordinator's address (default http://127.0.0.1:8080)")
    static let apiKeyFileOption = Syntax.Option(
        "--api-key-file", "FILE", "a file whose first line is the coordinator's API key")

    let url: String
    private let apiKeyFile: String?

    init(_ options: Options) {
        url = Self.base(options.text("--url") ?? "http://127.0.0.1:8080")
        apiKeyFile = options.text("--api-key-file")
    }

    /// What paths, which begin with a slash, are added to.
    static func base(_ url: String) -> String {
        String(url.dropLast(url.reversed().prefix { $0 == "/" }.count))
    }

    /// Reads the key's file; nil if none is named.
    func apiKey() throws(APIKeyError) -> String? {
        guard let apiKeyFile else { return nil }
        return try APIKeyFile.read(apiKeyFile)
    }
}
