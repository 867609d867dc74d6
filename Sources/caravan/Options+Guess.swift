// SPDX-License-Identifier: Apache-2.0

import Cluster

extension Syntax.Option {
    static let guess = Syntax.Option(
        "--guess", "N",
        "tokens of a sequence that a step may guess from its own text, at most "
            + "\(ClusterLimits.guessCountMax); 0 for none (default \(ClusterLimits.guessCountMax))")
}

extension Options {
    func guessCountMax() throws(UsageError) -> Int {
        let limit = ClusterLimits.guessCountMax
        return try integer("--guess", in: 0...limit) ?? limit
    }
}
