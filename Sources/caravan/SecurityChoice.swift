// SPDX-License-Identifier: Apache-2.0

import Platform

/// How a command was told to protect the cluster's links.
enum SecurityChoice {
    /// `--token-file`, or nil for the standard place.
    case token(path: String?)
    case plaintext

    static let tokenFileOption = Syntax.Option(
        "--token-file", "FILE",
        "the cluster token; - is standard input (default $XDG_STATE_HOME/caravan/token, or "
            + "~/.local/state/caravan/token)")
    static let plaintextOption = Syntax.Option(
        "--plaintext", nil, "links without encryption; on loopback addresses alone")

    init(_ options: Options) throws(UsageError) {
        try options.check("--plaintext", excludes: "--token-file")
        self =
            options.has("--plaintext") ? .plaintext : .token(path: options.text("--token-file"))
    }

    var isPlaintext: Bool {
        if case .plaintext = self { true } else { false }
    }

    /// A worker's: its token was made elsewhere.
    func forWorker() throws(TokenFileError) -> StreamSecurity {
        switch self {
        case .plaintext: return .plaintext
        case .token(let path?): return .token(try TokenFile.read(path))
        case .token(nil):
            return .token(try TokenFile.read(TokenFile.standardPath(), isNamed: false))
        }
    }

    /// A coordinator's: it makes the token at its first start, unless a file is named.
    func forCoordinator() throws(TokenFileError) -> StreamSecurity {
        switch self {
        case .plaintext: return .plaintext
        case .token(let path?): return .token(try TokenFile.read(path))
        case .token(nil):
            let path = try TokenFile.standardPath()
            let (token, isNew) = try TokenFile.readOrMake(path)
            if isNew { Log.info("made a cluster token in \(path)") }
            return .token(token)
        }
    }

    /// Lines that tell how a worker joins a coordinator that listens at `address`.
    func invitation(to address: SocketAddress) throws(TokenFileError) -> [String] {
        let path: String? =
            switch self {
            case .plaintext: nil
            case .token(let path?): path
            case .token(nil): try TokenFile.standardPath()
            }
        return Invitation(
            to: address.specified(by: SocketEnds.firstNetworkHost() ?? "127.0.0.1"),
            tokenPath: path,
            credentialsDirectory: FileSystem.environment("CREDENTIALS_DIRECTORY")
        ).lines
    }
}

extension Options {
    /// A `HOST:PORT` of links, which stay on loopback if they are plaintext.
    func address(
        _ name: String, _ standard: String, _ security: SecurityChoice, isRequired: Bool = false
    ) throws(UsageError) -> SocketAddress {
        let text = isRequired ? try required(name) : self.text(name) ?? standard
        guard let address = SocketAddress(text) else {
            throw .badValue(name, text, "HOST:PORT, such as \(standard)")
        }
        if security.isPlaintext, !address.isLoopback {
            throw .badValue(name, text, "a loopback address with --plaintext")
        }
        return address
    }
}
