// SPDX-License-Identifier: Apache-2.0

/// Why a line of a chat got no answer, or only a part of one.
package enum ChatError: Error, Equatable, CustomStringConvertible {
    case refused(Refusal, by: String)
    case wrongKey(String)
    case notACoordinator(String)
    /// The answer's connection failed after it had begun.
    case brokenOff(String, String)
    case unreadable(String, String)
    case unknownCommand(String)
    /// The input ended within `"""`.
    case openBlock
    case textTooLong(limit: Int)
    /// A terminal hands over no longer line, and drops the rest without a word.
    case lineCut(limit: Int)

    package var description: String {
        switch self {
        case .refused(let refusal, let url): text(of: refusal, by: url)
        case .wrongKey(let url): HTTPClientError.wrongKey(url).description
        case .notACoordinator(let url): HTTPClientError.notACoordinator(url).description
        case .brokenOff(let url, let reason):
            "the answer from \(url) broke off: \(reason); ask again"
        case .unreadable(let url, let reason):
            "the answer from \(url) can't be read: \(reason); check --url"
        case .unknownCommand(let name):
            "there is no \(name); /new begins anew, /quit ends"
        case .openBlock: #"the text that begins with """ has no end; put """ on its last line"#
        case .textTooLong(let limit): "the text is longer than \(limit) bytes; send less"
        case .lineCut(let limit):
            "the terminal cuts a line off after \(limit) bytes; "
                + #"write it in several lines between """ and """"#
        }
    }

    private func text(of refusal: Refusal, by url: String) -> String {
        let message = refusal.message
        switch refusal.code {
        case "context_length_exceeded":
            return "the conversation and its answer do not fit, /new begins another and a lower -n "
                + "allows longer ones: \(message)"
        // These messages say themselves when to come back.
        case "queue_full", "worker_lost": return "\(url): \(message)"
        default:
            let advice = refusal.retryAfterSeconds.map { "; retry in \($0) s" } ?? ""
            return "\(url): \(message)\(advice)"
        }
    }
}
