// SPDX-License-Identifier: Apache-2.0

import Cluster
import Platform
import Synchronization

/// One HTTP request and its answer, from the head to the last byte.
///
/// Four kinds of threads meet here: the HTTP library's (reads the request, sends the answer), the
/// generator's (`deliver`), the watch's (`leaveIfDeparted`) and those of long requests. A
/// connection is suspended exactly while it waits for the generator or the last; that decision and
/// the wake-up are made under one lock, so none is missed. The generator is never called with the
/// lock held, nor from within `deliver`; and `deliver` does not write whole answers, as the streams
/// of all others wait for its thread.
final class Exchange: Sendable {
    /// What is to be done with a complete request.
    private enum Step {
        case wait
        case leave
        case read(body: [UInt8])
        case answer(Result<Service.Answer, APIError>)
        case write(Reply)
        case send(HTTPReply)
    }

    enum Verdict { case goOn, close }

    private let connection: MHDConnection
    private let shared: MHDDaemon.Context
    private let head: RequestHead
    /// Of every answer to this request.
    let pageHeaders: [HTTPHeader]
    private let state: Mutex<State>

    init(
        connection: MHDConnection, shared: MHDDaemon.Context, head: RequestHead,
        refusal: APIError?
    ) {
        self.connection = connection
        self.shared = shared
        self.head = head
        pageHeaders = shared.service.pageHeaders(head)
        var state = State(bodies: shared.bodies)
        state.refusal = refusal
        self.state = Mutex(state)
    }

    // MARK: On the HTTP library's threads

    /// After the head: a refused body that is too long even to throw away is not waited for.
    func begin() -> Verdict {
        let refusal = state.withLock { state -> APIError? in
            let length = head.contentLength ?? 0
            let isLong = length > HTTPLimits.discardedBodyBytesMax
            guard let refusal = state.refusal, head.expectsContinue || isLong else { return nil }
            state.isAnswered = true
            return refusal
        }
        guard let refusal else { return .goOn }
        return send(HTTPReply(refusal))
    }

    /// A part of the body has come.
    func receive(_ bytes: UnsafeRawBufferPointer) -> Verdict {
        state.withLock { state in
            state.receivedByteCount += bytes.count
            if state.receivedByteCount > HTTPLimits.discardedBodyBytesMax { return .close }
            guard state.refusal == nil else { return .goOn }
            if state.receivedByteCount > HTTPLimits.bodyBytesMax {
                state.refuse(.bodyTooLong)
            } else if state.bodies.take(bytes.count) {
                state.body.append(contentsOf: bytes)
            } else {
                state.refuse(.tooManyBodies)
            }
            return .goOn
        }
    }

    /// The request is complete, or the connection was resumed to take an answer.
    func proceed() -> Verdict {
        switch state.withLock({ nextStep(&$0) }) {
        case .wait: return .goOn
        case .leave: return .close
        case .read(let body): return take(answer(to: body))
        case .answer(let answer): return take(answer)
        case .write(let reply): return send(reply.whole())
        case .send(let reply): return send(reply)
        }
    }

    private func nextStep(_ state: inout State) -> Step {
        guard !state.isAnswered else { return .wait }
        guard !state.output.isBroken else { return .leave }
        guard case .none = state.writing else { return nextOfWhole(&state) }
        if let refusal = state.refusal { return .answer(.failure(refusal)) }
        switch state.reading {
        case .done(let answer): return .answer(answer)
        case .none where state.body.count <= HTTPLimits.promptReadBytesMax:
            defer { state.dropBody() }
            return .read(body: state.body)
        case .none:
            guard shared.longPrompts.post({ [self] in readLong() }) else {
                state.dropBody()
                return .answer(.failure(.tooManyLongRequests))
            }
            state.reading = .underWay
            state.suspend(connection)
            return .wait
        case .underWay:
            state.suspend(connection)
            return .wait
        }
    }

    private func nextOfWhole(_ state: inout State) -> Step {
        if case .done(let reply) = state.writing {
            // To send it may take a while, and nobody asks for it again.
            state.writing = .awaited
            return .send(reply)
        }
        if case .due = state.writing, let reply = state.reply {
            guard reply.takesLong, shared.longAnswers.post({ [self] in writeLong() }) else {
                return .write(reply)
            }
            state.writing = .underWay
        }
        state.suspend(connection)
        return .wait
    }

    private func answer(to body: [UInt8]) -> Result<Service.Answer, APIError> {
        Result { () throws(APIError) in try shared.service.answer(head, body: body) }
    }

    private func take(_ answer: Result<Service.Answer, APIError>) -> Verdict {
        do throws(APIError) {
            switch try answer.get() {
            case .whole(let reply): return send(reply)
            case .generations(let requests, let reply): return try generate(requests, reply)
            }
        } catch {
            return send(HTTPReply(error))
        }
    }

    /// The next bytes of a stream. With nothing to send the connection is suspended.
    func read(_ countMax: Int) -> OutputBuffer.Portion {
        state.withLock { state in
            let portion = state.output.take(countMax)
            if portion == .nothing { state.suspend(connection) }
            return portion
        }
    }

    /// The library is done with the request, whatever the outcome.
    func close() {
        state.withLock { $0.giveUp() }
        cancelIfUnwanted()
    }

    private func send(_ reply: HTTPReply) -> Verdict {
        state.withLock { $0.isAnswered = true }
        var reply = reply
        reply.headers += pageHeaders
        return connection.send(reply) ? .goOn : .close
    }

    private func generate(
        _ requests: [GenerationRequest], _ reply: Reply
    ) throws(APIError) -> Verdict {
        state.withLock { state in
            state.reply = reply
            state.writing = reply.isStream ? .none : .awaited
            state.output.append(reply.opening())
            if let refusal = state.refusal { state.end(refusal) }
        }
        let ids: [RequestID]
        do throws(GenerationError) {
            ids = try shared.service.generator.submit(requests) { [weak self] choice, event in
                self?.deliver(event, choice: choice)
            }
        } catch {
            state.withLock { $0.abandon() }
            throw APIError(error, parameter: reply.promptParameter)
        }
        state.withLock { $0.requestIDs = ids }
        cancelIfUnwanted()
        guard reply.isStream else { return proceed() }
        state.withLock { $0.isAnswered = true }
        return connection.sendEvents(of: self) ? .goOn : .close
    }
}

// MARK: On the threads of long requests

extension Exchange {
    private func readLong() {
        let body = state.withLock { state -> [UInt8]? in
            guard !state.output.isBroken, state.refusal == nil else {
                state.dropBody()
                return nil
            }
            // It is still counted.
            defer { state.body = [] }
            return state.body
        }
        guard let body else { return }
        let answer = answer(to: body)
        shared.bodies.giveBack(body.count)
        state.withLock { state in
            state.reading = .done(answer)
            state.resume(connection)
        }
    }

    private func writeLong() {
        let reply = state.withLock { state -> Reply? in
            guard case .underWay = state.writing, !state.output.isBroken else { return nil }
            // What it is made of is much to let go of too, and goes on this thread.
            return state.reply.take()
        }
        guard let whole = reply?.whole() else { return }
        state.withLock { state in
            guard case .underWay = state.writing else { return }
            state.writing = .done(whole)
            state.resume(connection)
        }
    }
}

// MARK: On the generator's threads

extension Exchange {
    private func deliver(_ event: GenerationEvent, choice index: Int) {
        state.withLock { state in
            guard !state.isOver, let step = state.reply?.apply(event, choice: index) else { return }
            state.take(step)
            // A choice that failed ends the others; those that finished have nothing to cancel.
            if state.isOver { state.mustCancel = state.reply?.hasOpenChoices == true }
            if state.output.isBroken { dropSlowReader(&state) }
            state.resume(connection)
        }
    }

    /// Its buffer is full: the request is cancelled and the connection closed. The library alone
    /// would keep it open until its time-out, as it waits for a socket that takes nothing.
    private func dropSlowReader(_ state: inout State) {
        Log.warning(
            "a client read too slowly: \(HTTPLimits.streamBufferBytesMax) bytes wait for it; "
                + "its request is cancelled")
        state.giveUp()
        connection.abort()
    }
}

// MARK: On the watch's thread and on the one that stops the server

extension Exchange {
    /// The socket to watch: only a suspended connection's, as the library reads all others.
    var watchedDescriptor: Int32? {
        state.withLock { $0.isSuspended ? connection.descriptor : nil }
    }

    /// Gives up when the client is gone. Asks again, as the socket may have been reused meanwhile.
    func leaveIfDeparted(_ hasDeparted: (Int32) -> Bool) {
        state.withLock { state in
            guard state.isSuspended, hasDeparted(connection.descriptor) else { return }
            state.giveUp()
            state.resume(connection)
        }
    }

    /// Frees the generator of a request that nobody waits for any more.
    func cancelIfUnwanted() {
        let ids = state.withLock { state -> [RequestID] in
            guard state.mustCancel, !state.requestIDs.isEmpty else { return [] }
            state.mustCancel = false
            return state.requestIDs
        }
        // The last first: a slot that one leaves would else go to the next, for a moment.
        for id in ids.reversed() { shared.service.generator.cancel(id) }
    }

    /// Ends the answer with an error that tells the client to come back.
    func shutDown() {
        state.withLock { state in
            state.end(APIError(GenerationError.shuttingDown, parameter: ""))
            state.resume(connection)
        }
        cancelIfUnwanted()
    }
}
