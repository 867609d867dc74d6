// SPDX-License-Identifier: Apache-2.0

/// Why a chat template could not be read or rendered. Lines count from 1.
package enum TemplateError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The source is not a template, or uses what is not supported.
    case syntax(line: Int, reason: String)
    /// The template did something its values do not allow, such as using an undefined one.
    case evaluation(line: Int, reason: String)
    /// The template itself refused the conversation, by `raise_exception(message)`.
    case raised(String)
    /// The template needs more than `TemplateLimits` grants to a file nobody trusts.
    case limitExceeded(line: Int, what: String, limit: Int)

    package var description: String {
        switch self {
        case .syntax(let line, let reason):
            "the chat template can't be read at line \(line): \(reason)"
        case .evaluation(let line, let reason):
            "the chat template failed at line \(line): \(reason)"
        case .raised(let message):
            "the chat template refuses this conversation: \(message)"
        case .limitExceeded(let line, let what, let limit):
            "the chat template exceeds the limit of \(limit) \(what) at line \(line); "
                + "shorten the conversation or use another template"
        }
    }
}
