// SPDX-License-Identifier: Apache-2.0

import Platform

extension WorkerNode.Event {
    /// What is left of an event once no stage is to be served.
    enum Leftover {
        /// To stop, now or soon.
        case order
        /// The last word of a link, whose threads are to be joined.
        case end(Link)
        /// Somebody has something to say over a link that came in.
        case arrival(Link)
        case nothing
    }

    var leftover: Leftover {
        switch self {
        case .stop, .leave: .order
        case .control(let link, .closed), .data(let link, .closed), .next(let link, .closed):
            .end(link)
        case .data(let link, .frame): .arrival(link)
        case .prepared, .control(_, .frame), .next(_, .frame): .nothing
        }
    }
}

extension Mailbox {
    /// The oldest element; nil when there is none by `deadline`.
    func take(until deadline: Duration) -> Element? {
        take(timeout: max(.zero, deadline - MonotonicClock.now()))
    }
}
