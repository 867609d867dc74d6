// SPDX-License-Identifier: Apache-2.0

/// Why a model is not used with the `--context` that was given.
enum ContextError: Error, CustomStringConvertible {
    case tooLong(Int, limit: Int)

    /// Throws where more tokens are asked for than the model takes: fewer would be no answer to
    /// who needs as many.
    static func check(_ length: Int?, limit: Int) throws(ContextError) {
        guard let length, length > limit else { return }
        throw .tooLong(length, limit: limit)
    }

    var description: String {
        switch self {
        case .tooLong(let length, let limit):
            "--context is \(length) and the model takes \(limit) tokens; use a smaller one"
        }
    }
}
