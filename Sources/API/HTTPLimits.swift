// SPDX-License-Identifier: Apache-2.0

/// Every bound of the HTTP server.
package enum HTTPLimits {
    /// A longer body is refused with 413.
    static let bodyBytesMax = 8 << 20
    /// Bytes of all bodies together that come or wait to be read; one more is refused with 429.
    package static let heldBodyBytesMax = 256 << 20
    /// A refused body is read and thrown away up to here, so that the client sees the answer; when
    /// more is announced, the answer comes at once and the connection closes.
    static let discardedBodyBytesMax = 64 << 20
    /// Working memory of a connection, which bounds the request line and the headers together.
    static let connectionMemoryBytes = 32 << 10
    private static let connectionCountMax = 1024
    private static let connectionCountMin = 64
    /// Descriptors that connections leave to the cluster's links and to files.
    private static let reservedDescriptorCount = 600
    /// Silence after which a connection closes; one that waits for tokens is not silent.
    static let connectionTimeoutSeconds = 60
    /// Threads that read requests and write answers.
    static let threadCount = 4
    /// A longer body is read on a thread of its own: this much takes milliseconds.
    static let promptReadBytesMax = 64 << 10
    /// Longer bodies that wait for it; more are refused with 429.
    static let longRequestCountMax = 128
    /// A longer answer, if it is no stream, is written on another thread of its own.
    static let answerWriteBytesMax = 64 << 10
    /// Longer answers that wait for it; whoever sends one more writes it himself.
    static let longAnswerCountMax = connectionCountMax
    /// Log-probabilities of an answer that is no stream, which is kept until it is whole: enough
    /// for 49,000 tokens with 20 alternatives each, and about 1 GB while it is written. More are
    /// refused with 400.
    static let logProbabilityCountMax = 1 << 20
    /// Bytes of a stream that wait for a slow reader; beyond them its request is cancelled.
    static let streamBufferBytesMax = 1 << 20
    /// Bytes that the library asks of a stream at a time.
    static let readBlockBytes = 16 << 10
    /// Longest time until a client that went away is noticed.
    static let watchMilliseconds: Int32 = 200
    /// Time that open streams get to be told that the server stops.
    static let stopFlushMilliseconds = 500
    /// Time that open connections then get to end by themselves.
    static let drainMilliseconds = 100
    /// Arrays and objects inside one another in a body.
    static let jsonDepthMax = 128
    /// Choices of one request.
    static let choiceCountMax = 128
    static let stopTextCountMax = 16
    static let stopTextBytesMax = 1024
    /// How long a browser need not ask again whether a page may send what it sends.
    static let preflightSeconds = 600
    /// Seconds a client is asked to wait before it tries again when the cluster is not ready.
    static let retryAfterSeconds = 5

    /// Connections at once in a process that may have `descriptorLimit` descriptors open: idle
    /// clients must not use up what the next plan needs.
    package static func connectionCount(descriptorLimit: Int) -> Int {
        min(connectionCountMax, max(connectionCountMin, descriptorLimit - reservedDescriptorCount))
    }
}
