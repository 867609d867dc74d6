// SPDX-License-Identifier: Apache-2.0

import Cluster

extension Exchange {
    /// What the threads share, under the exchange's lock.
    struct State {
        let bodies: BodyBudget
        /// Counted there, until `dropBody`.
        var body: [UInt8] = []
        var receivedByteCount = 0
        var refusal: APIError?
        var isAnswered = false
        var reading = Reading.none
        /// The rest is empty until a generation begins.
        var reply: Reply?
        /// Of all choices, once all have been submitted.
        var requestIDs: [RequestID] = []
        var output = OutputBuffer(capacity: HTTPLimits.streamBufferBytesMax)
        var writing = Writing.none
        var isSuspended = false
        /// No further event is of interest.
        var isOver = false
        /// The generator still works on a request that nobody waits for.
        var mustCancel = false
    }

    /// How far a long body has been read.
    enum Reading {
        case none
        case underWay
        case done(Result<Service.Answer, APIError>)
    }

    /// How far an answer is that is no stream.
    enum Writing {
        /// There is none of the kind.
        case none
        /// The generator is not done.
        case awaited
        /// All choices are finished.
        case due
        case underWay
        case done(HTTPReply)
    }
}

extension Exchange.State {
    mutating func suspend(_ connection: MHDConnection) {
        isSuspended = true
        connection.suspend()
    }

    mutating func resume(_ connection: MHDConnection) {
        guard isSuspended else { return }
        isSuspended = false
        connection.resume()
    }

    /// What came of the body is neither kept nor counted any longer.
    mutating func dropBody() {
        bodies.giveBack(body.count)
        body = []
    }

    /// Refuses a request whose body still comes; the rest of it is not kept.
    mutating func refuse(_ error: APIError) {
        refusal = error
        dropBody()
    }

    mutating func take(_ step: Reply.Step) {
        switch step {
        case .more(let bytes): output.append(bytes)
        case .last(let bytes):
            output.append(bytes)
            output.finish()
            isOver = true
        case .complete:
            writing = .due
            isOver = true
        case .whole(let reply):
            writing = .done(reply)
            isOver = true
        }
    }

    /// Ends with `error` what has not ended, and what would still take long to write.
    mutating func end(_ error: APIError) {
        guard !isOver else {
            if waitsForWriting { writing = .done(HTTPReply(error)) }
            return
        }
        guard let step = reply?.fail(error) else {
            refusal = refusal ?? error
            return
        }
        take(step)
        mustCancel = true
    }

    private var waitsForWriting: Bool {
        switch writing {
        case .none, .awaited, .done: false
        case .due: reply?.takesLong == true
        case .underWay: true
        }
    }

    /// The request could not be taken: what its choices have said is forgotten.
    mutating func abandon() {
        reply = nil
        output = OutputBuffer(capacity: HTTPLimits.streamBufferBytesMax)
        writing = .none
        isOver = false
        mustCancel = false
    }

    /// Ends without an answer.
    mutating func giveUp() {
        output.giveUp()
        dropBody()
        guard reply != nil, !isOver else { return }
        isOver = true
        mustCancel = true
    }
}
