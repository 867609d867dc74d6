// SPDX-License-Identifier: Apache-2.0

/// The cluster as `caravan status` and `GET /caravan/status` show it. Every figure was measured.
package struct ClusterStatus: Sendable, Codable {
    package var model: String
    /// `starting`, `loading`, `ready`, `degraded` or `stopping`.
    package var state: String
    /// One line for people: what it is waiting for, or why it is degraded.
    package var detail: String
    package var epoch: Int
    package var layerCount: Int
    /// Tokens that a sequence may have: with the plan there is, if there is one.
    package var contextLength: Int
    /// Pages of each stage's KV cache, and tokens of a page.
    package var pageCount = 0
    package var pageTokens = 0
    /// Pages that sequences hold, those included that are only kept for prompts that begin alike.
    package var pagesInUse = 0
    package var pagesKept = 0
    /// Sequences that had to make room for older ones since the start, to be resumed later.
    package var preemptions = 0
    package var slotCount: Int
    package var slotsInUse: Int
    package var waiting: Int
    /// Steps that are on their way through the stages.
    package var stepsInFlight = 0
    package var requestsServed: Int
    package var tokensGenerated: Int
    /// Tokens of prompts that have been computed.
    package var promptTokens = 0
    /// Requests that may wait; beyond them new ones are refused.
    package var waitingMax = 0
    /// What a request refused now would be told to wait.
    package var retryAfterSeconds = 0
    /// Since the coordinator started.
    package var uptimeSeconds = 0.0
    package var flow = FlowStatus()
    /// The oldest requests that wait or run, at most `ClusterLimits.shownStreamsMax`.
    package var streams: [StreamStatus] = []
    /// Latest first.
    package var events: [EventStatus] = []
    package var coordinatorPrivateBytes: Int
    /// The part of the above that the vocabulary's tables take.
    package var vocabularyTableBytes: Int
    /// Bytes of blobs shipped to workers since the start.
    package var shippedBytes: Int
    /// What the plan was expected to give before it ran: for one stream, and for all slots
    /// together; 0 where workers did not measure themselves.
    package var predictedTokensPerSecond = 0.0
    package var predictedTokensPerSecondOfAllSlots = 0.0
    /// Positions of each sequence that these are predicted for.
    package var predictedDepth = 0
    /// Over the most recent steps that produced only tokens, and their mean number of rows.
    package var measuredTokensPerSecond = 0.0
    package var measuredRowsPerStep = 0.0
    package var stages: [StageStatus]
    package var members: [MemberStatus] = []

    package init(model: String, contextLength: Int, layerCount: Int) {
        self.model = model
        state = "starting"
        detail = ""
        epoch = 0
        self.layerCount = layerCount
        self.contextLength = contextLength
        slotCount = 0
        slotsInUse = 0
        waiting = 0
        requestsServed = 0
        tokensGenerated = 0
        coordinatorPrivateBytes = 0
        vocabularyTableBytes = 0
        shippedBytes = 0
        stages = []
    }
}

/// One stage of the current plan: its worker's reports and the trails' times.
package struct StageStatus: Sendable, Codable {
    package var stage: Int
    package var worker: String
    package var address: String
    package var isa: String
    package var threads: Int
    package var layerStart: Int
    package var layerEnd: Int
    package var residentBytes: Int
    package var memoryBudgetBytes: Int
    package var stepCount: Int
    package var rowCount: Int
    /// Means over the most recent steps that produced one token each; 0 before the first.
    package var computeMicrosecondsPerToken: Int
    package var waitMicrosecondsPerToken: Int
    package var sendMicrosecondsPerToken: Int
    package var roundTripMicroseconds: Int
    /// To the coordinator, and to the worker of the next stage; 0 if not measured.
    package var linkBytesPerSecond = 0
    package var nextRoundTripMicroseconds = 0
    package var nextBytesPerSecond = 0
    /// Share of the latest seconds (`FlowStatus.windowSeconds`) in which it computed.
    package var utilisation = 0.0
    /// Time it computed since the plan began.
    package var computeSeconds = 0.0
    /// Share in which it sent and did not compute; the rest it waited.
    package var sendShare = 0.0
    /// Over its data links: activations and candidates, not weights.
    package var receivedBytesPerSecond = 0
    package var sentBytesPerSecond = 0
    /// Of the plan, for a step of one row; 0 without a prediction.
    package var predictedMicrosecondsPerToken = 0

    package init(stage: Int, worker: String, layerStart: Int, layerEnd: Int) {
        self.stage = stage
        self.worker = worker
        address = ""
        isa = ""
        threads = 0
        self.layerStart = layerStart
        self.layerEnd = layerEnd
        residentBytes = 0
        memoryBudgetBytes = 0
        stepCount = 0
        rowCount = 0
        computeMicrosecondsPerToken = 0
        waitMicrosecondsPerToken = 0
        sendMicrosecondsPerToken = 0
        roundTripMicroseconds = 0
    }
}
