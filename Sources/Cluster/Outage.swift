// SPDX-License-Identifier: Apache-2.0

import Control
import Platform

/// From a pipeline's end, by a loss or a planned change, until every stream on it goes on: what the
/// log says of it.
///
/// A pipeline that is lost while streams still wait belongs to the same outage. Time is an
/// argument.
package struct Outage {
    private let start: Duration
    /// Requests that have had no token since.
    private var waiting: Set<UInt64>
    private var streamCount: Int
    private var promptRowCount = 0
    private var lastAlive: Duration?

    /// `streams` are the requests that were under way.
    package init(streams: some Sequence<UInt64>, now: Duration) {
        start = now
        waiting = Set(streams)
        streamCount = waiting.count
    }

    /// The next pipeline is lost as well, with the streams that went on.
    package mutating func repeated(streams: some Sequence<UInt64>) {
        waiting.formUnion(streams)
        streamCount = max(streamCount, waiting.count)
    }

    /// Rows of a step whose tokens are known already.
    package mutating func noteForwarded(promptRowCount: Int) {
        self.promptRowCount += promptRowCount
    }

    /// The request has a token. A line for the log once nobody waits.
    package mutating func noteAlive(_ id: UInt64, now: Duration) -> String? {
        guard waiting.remove(id) != nil else { return nil }
        lastAlive = now
        return ending
    }

    /// The request has failed, or its client has left, before it had a token.
    package mutating func noteGone(_ id: UInt64) -> String? {
        guard waiting.remove(id) != nil else { return nil }
        streamCount -= 1
        return ending
    }

    private var ending: String? {
        guard waiting.isEmpty else { return nil }
        guard let now = lastAlive, streamCount > 0 else {
            return "no stream goes on after the pipeline went down: all have failed or left"
        }
        return "\(streamCount) \(streamCount == 1 ? "stream goes" : "streams go") on "
            + "\(TimeSpan((now - start).seconds)) after the pipeline went down; "
            + "\(promptRowCount) rows of known tokens were prefilled meanwhile"
    }
}
