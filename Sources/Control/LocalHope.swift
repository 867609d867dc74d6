// SPDX-License-Identifier: Apache-2.0

/// Whether a server may hope for workers after some that it started itself have ended: nothing but
/// a start anew brings these back, whereas those from elsewhere are waited for.
package struct LocalHope: Sendable {
    /// How long it may last where those that are left can't hold the model: as long as requests
    /// wait.
    private let patience: Duration
    private var hasServed = false
    private var hasHadOthers = false
    /// How a worker started here has ended, while there has been no plan without it.
    private var ended: String?
    /// How the last of them has failed.
    private var failed: String?
    /// Since when there has been no plan; nil while there is one.
    private var planlessSince: Duration?

    package init(patience: Duration) { self.patience = patience }

    package mutating func workerJoined(isLocal: Bool) {
        hasHadOthers = hasHadOthers || !isLocal
    }

    /// A worker that was started here has ended, as `line` says.
    package mutating func workerEnded(_ line: String, hasFailed: Bool) {
        ended = line
        if hasFailed { failed = line }
    }

    package mutating func plansAnew() { ended = nil }

    package mutating func pipelineIsUp() { hasServed = true }

    /// Why there is no hope left, said once; nil while there is. `isDeserted` where no worker is
    /// left at all.
    ///
    /// Before anything was served what is left may be too little for a plan, and nobody else need
    /// ever join; later that holds where nobody is left, or too few for long.
    package mutating func whyNone(
        hasPlan: Bool, isDeserted: Bool, detail: String, now: Duration
    ) -> String? {
        planlessSince = hasPlan ? nil : planlessSince ?? now
        guard !hasHadOthers else { return nil }
        guard hasServed else { return hasPlan ? nil : ended.take() }
        let isTooLate = planlessSince.map { now - $0 > patience } ?? false
        guard isDeserted || isTooLate, let failed = failed.take() else { return nil }
        return "\(isDeserted ? "no worker is left" : detail): \(failed)"
    }
}
