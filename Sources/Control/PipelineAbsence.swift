// SPDX-License-Identifier: Apache-2.0

/// How long sequences have waited for a pipeline, as far as it counts against them.
///
/// What its loading takes does not: large layers take minutes to ship and to load, and a load that
/// stands still is given up elsewhere. But of loads that fail only the first is free, or a worker
/// that dies of each would keep everyone waiting with hardly a second counted.
struct PipelineAbsence {
    private(set) var counted = Duration.zero
    /// Of the load under way.
    private var loading = Duration.zero
    private var failedLoadCount = 0

    mutating func passed(_ time: Duration, isLoading: Bool) {
        if isLoading { loading += time } else { counted += time }
    }

    mutating func loadFailed() {
        if failedLoadCount > 0 { counted += loading }
        failedLoadCount += 1
        loading = .zero
    }
}
