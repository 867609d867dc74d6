// SPDX-License-Identifier: Apache-2.0

/// What a path asks for.
enum Route: Equatable {
    case chatCompletions
    case completions
    case models
    case model(String)
    case health
    case status
    case drain
    case metrics

    init?(path: String) {
        switch path {
        case "/v1/chat/completions": self = .chatCompletions
        case "/v1/completions": self = .completions
        case "/v1/models": self = .models
        case "/health": self = .health
        case "/caravan/status": self = .status
        case "/caravan/drain": self = .drain
        case "/metrics": self = .metrics
        default:
            let prefix = "/v1/models/"
            guard path.hasPrefix(prefix), path.count > prefix.count else { return nil }
            self = .model(String(path.dropFirst(prefix.count)))
        }
    }

    var methods: [String] {
        switch self {
        case .chatCompletions, .completions, .drain: ["POST"]
        case .models, .model, .health, .status, .metrics: ["GET", "HEAD"]
        }
    }

    /// Load balancers ask for the health and have no key.
    var needsKey: Bool { self != .health }
}
