// SPDX-License-Identifier: Apache-2.0

import Platform

/// The latest things that happened to the cluster, for whoever looks at it.
package struct RecentEvents {
    /// Older events are forgotten.
    package static let countMax = 50

    package enum Kind: String, Sendable, Codable {
        case joined, lost, left, plan, ready
    }

    private struct Event {
        let kind: Kind
        let text: String
        let time: Duration
    }

    /// Oldest first.
    private var events: [Event] = []

    package init() {}

    package mutating func note(_ kind: Kind, _ text: String, now: Duration) {
        if events.count == Self.countMax { events.removeFirst() }
        events.append(Event(kind: kind, text: text, time: now))
    }

    /// Latest first.
    package func status(now: Duration) -> [EventStatus] {
        events.reversed().map { event in
            EventStatus(
                kind: event.kind, text: event.text,
                secondsAgo: max(.zero, now - event.time).seconds)
        }
    }
}
