// SPDX-License-Identifier: Apache-2.0

/// A pause that is twice as long each time, up to a bound.
package struct DoublingPause {
    private var pause: Duration
    private let longest: Duration

    package init(from shortest: Duration, to longest: Duration) {
        pause = shortest
        self.longest = longest
    }

    package mutating func next() -> Duration {
        defer { pause = min(pause * 2, longest) }
        return pause
    }
}
