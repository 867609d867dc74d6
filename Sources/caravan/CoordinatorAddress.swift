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
        var url = options.text("--url") ?? "http://127.0.0.1:8080"
        // Paths are added to it, which begin with a slash.
        while url.hasSuffix("/") { url.removeLast() }
        self.url = url
        apiKeyFile = options.text("--api-key-file")
    }

    /// Reads the key's file; nil if none is named.
    func apiKey() throws(APIKeyError) -> String? {
        guard let apiKeyFile else { return nil }
        return try APIKeyFile.read(apiKeyFile)
    }
}
