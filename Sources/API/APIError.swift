// SPDX-License-Identifier: Apache-2.0

import Cluster

/// A refusal as the OpenAI API words it: an HTTP status and an error object.
struct APIError: Error, Equatable {
    var status: Int
    var message: String
    var type = "invalid_request_error"
    /// The field that is wrong, such as `messages[0].content`.
    var parameter: String?
    var code: String?
    var retryAfterSeconds: Int?
    /// Methods that the route has; only with status 405.
    var allowedMethods: [String] = []

    init(status: Int, _ message: String, parameter: String? = nil, code: String? = nil) {
        self.status = status
        self.message = message
        self.parameter = parameter
        self.code = code
    }
}

extension APIError {
    static func wrongType(_ parameter: String, _ expected: String) -> APIError {
        APIError(
            status: 400, "'\(parameter)' must be \(expected)", parameter: parameter,
            code: "invalid_type")
    }

    static func wrongValue(_ parameter: String, _ expected: String) -> APIError {
        APIError(
            status: 400, "'\(parameter)' must be \(expected)", parameter: parameter,
            code: "invalid_value")
    }

    /// For a text that JSON allows and Unicode does not.
    static func brokenText(_ parameter: String) -> APIError {
        wrongValue(
            parameter,
            "whole characters: it has half of a surrogate pair, such as \\ud83d without \\ude00")
    }

    static func missing(_ parameter: String) -> APIError {
        APIError(
            status: 400, "'\(parameter)' is missing; send it", parameter: parameter,
            code: "missing_required_parameter")
    }

    static func unsupported(_ parameter: String, _ advice: String) -> APIError {
        APIError(
            status: 400, "'\(parameter)' is not supported here: \(advice)", parameter: parameter,
            code: "unsupported_parameter")
    }

    static func invalidJSON(_ reason: String) -> APIError {
        APIError(
            status: 400, "the body is not valid JSON: \(reason)", code: "invalid_json")
    }

    static let bodyTooLong = APIError(
        status: 413, "the body is longer than \(HTTPLimits.bodyBytesMax) bytes; send less",
        code: "request_too_large")

    static let tooManyLongRequests = busy("too many long prompts wait to be read; try again later")

    static let tooManyBodies = busy(
        "the requests that come in are too long together; try again later")

    private static func busy(_ message: String) -> APIError {
        var error = APIError(status: 429, message, code: "queue_full")
        error.type = "rate_limit_error"
        error.retryAfterSeconds = HTTPLimits.retryAfterSeconds
        return error
    }

    static let tooManyLogProbabilities = APIError(
        status: 400,
        "an answer that is no stream has at most \(HTTPLimits.logProbabilityCountMax) "
            + "log-probabilities: prompts times 'n' times 'max_tokens' (or what there is room for),"
            + " and as often again as there are alternatives; ask for fewer, or set 'stream'",
        parameter: "max_tokens", code: "invalid_value")

    static let unauthorised = APIError(
        status: 401, "the API key is missing or wrong; send 'Authorization: Bearer KEY'",
        code: "invalid_api_key")

    static func unknownModel(_ name: String, served: String) -> APIError {
        APIError(
            status: 404, "the model '\(name)' does not exist; this server has '\(served)'",
            parameter: "model", code: "model_not_found")
    }

    static func unknownRoute(_ method: String, _ path: String) -> APIError {
        let advice =
            if path == "/v1/responses" {
                "use POST /v1/chat/completions"
            } else if Route(path: "/v1" + path) != nil {
                "the base URL ends in /v1"
            } else {
                "see GET /v1/models"
            }
        return APIError(
            status: 404, "there is no \(method) \(path); \(advice)", code: "unknown_url")
    }

    static func wrongMethod(_ method: String, _ path: String, allowed: [String]) -> APIError {
        var error = APIError(
            status: 405,
            "\(path) does not take \(method); use \(allowed.joined(separator: " or "))",
            code: "method_not_allowed")
        error.allowedMethods = allowed
        return error
    }

    /// `parameter` names the field that holds the prompt.
    init(_ error: GenerationError, parameter: String) {
        self.init(status: 503, error.description)
        switch error {
        case .emptyPrompt, .tokenOutOfRange:
            status = 400
            self.parameter = parameter
            code = "invalid_value"
        case .promptTooLong:
            status = 400
            self.parameter = parameter
            code = "context_length_exceeded"
        case .queueFull(_, let seconds):
            status = 429
            type = "rate_limit_error"
            code = "queue_full"
            retryAfterSeconds = seconds
        case .notReady:
            becomeServerError(code: "not_ready")
        case .workerLost:
            becomeServerError(code: "worker_lost")
        case .notANumber:
            status = 500
            type = "server_error"
            code = "not_a_number"
        case .shuttingDown:
            becomeServerError(code: "shutting_down")
        }
    }

    private mutating func becomeServerError(code: String) {
        type = "server_error"
        self.code = code
        retryAfterSeconds = HTTPLimits.retryAfterSeconds
    }
}

/// `{"error": {…}}` with `null` for what is not known, as OpenAI sends it.
extension APIError: Encodable {
    private enum Outer: String, CodingKey { case error }
    private enum Inner: String, CodingKey { case message, type, param, code }

    func encode(to encoder: any Encoder) throws {
        var outer = encoder.container(keyedBy: Outer.self)
        var inner = outer.nestedContainer(keyedBy: Inner.self, forKey: .error)
        try inner.encode(message, forKey: .message)
        try inner.encode(type, forKey: .type)
        try inner.encode(parameter, forKey: .param)
        try inner.encode(code, forKey: .code)
    }
}
