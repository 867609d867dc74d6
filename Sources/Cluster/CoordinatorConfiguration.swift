// SPDX-License-Identifier: Apache-2.0

package import Control
package import Platform
package import Wire

/// How a model is to be served.
package struct CoordinatorConfiguration: Sendable {
    /// Where the layers are computed.
    package enum Placement: Sendable {
        case inProcess(threadCount: Int)
        /// Workers join at `listen`; `localCount` of them are started here, with this many threads
        /// each. 0 means that all come from elsewhere.
        case workers(listen: SocketAddress, localCount: Int, threadCount: Int)
    }

    package var placement: Placement
    /// Workers that the first plan waits for, the local ones included; nil for those, or without
    /// any for those that come within `ClusterLimits.settleTime`.
    package var expectedWorkers: Int?
    /// Of all links of the cluster.
    package var security: StreamSecurity
    /// Positions of one sequence, for which there must be pages; the model's own limit caps it. nil
    /// for that limit, or as many as the pages hold.
    package var contextLength: Int?
    /// Memory for keys and values in all layers together; nil for what `PageDemand` derives.
    package var kvByteCount: Int?
    /// Sequences computed at once.
    package var slotCount: Int
    /// Where the digests of the model's blobs and the workers' names are kept, and local workers
    /// keep blobs.
    package var cacheDirectory: String
    /// What activations travel as between workers.
    package var wireType: WireType
    /// What KV caches hold.
    package var cacheType: CacheType
    /// What plans are made for.
    package var objective: PlannerGoal.Objective
    /// Positions that sequences are expected to have when they generate.
    package var depth: Int
    /// Prompt rows of a step that has decode rows too; nil for as many as its time allows.
    package var prefillChunk: Int?
    /// Tokens of one sequence that a step may guess, where it is little longer for them.
    package var guessCountMax: Int

    package init(
        placement: Placement, expectedWorkers: Int? = nil, security: StreamSecurity,
        contextLength: Int?, slotCount: Int, kvByteCount: Int? = nil, cacheDirectory: String,
        wireType: WireType = .f32, cacheType: CacheType = .f16,
        objective: PlannerGoal.Objective = .throughput, depth: Int = PlanPrediction.promptLength,
        prefillChunk: Int? = nil, guessCountMax: Int = ClusterLimits.guessCountMax
    ) {
        self.placement = placement
        self.expectedWorkers = expectedWorkers
        self.security = security
        self.contextLength = contextLength
        self.slotCount = slotCount
        self.kvByteCount = kvByteCount
        self.cacheDirectory = cacheDirectory
        self.wireType = wireType
        self.cacheType = cacheType
        self.objective = objective
        self.depth = depth
        self.prefillChunk = prefillChunk
        self.guessCountMax = guessCountMax
    }
}
