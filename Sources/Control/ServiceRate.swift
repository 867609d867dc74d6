// SPDX-License-Identifier: Apache-2.0

/// How fast requests are completed, so that those turned away can be told when to come back.
///
/// Only time in which there was something to do counts, so that an idle night does not make a
/// server look slow in the morning.
package struct ServiceRate: Sendable {
    /// Completions that the rate is taken over.
    package static let completionsMax = 64
    /// What a client may be told, in seconds.
    package static let retrySeconds = 1...60

    private var busyBefore = Duration.zero
    private var busySince: Duration?
    /// Busy time at the latest completions, oldest first from `next` on.
    private var completions: [Duration] = []
    private var next = 0
    /// Busy time at the completion before the oldest in `completions`.
    private var anchor = Duration.zero

    package init() { completions.reserveCapacity(Self.completionsMax) }

    /// Whether there is a request from `now` on.
    package mutating func note(isBusy: Bool, now: Duration) {
        if isBusy {
            busySince = busySince ?? now
        } else if busySince != nil {
            busyBefore = busyTime(now)
            busySince = nil
        }
    }

    package mutating func completed(now: Duration) {
        let time = busyTime(now)
        if completions.count < Self.completionsMax {
            completions.append(time)
        } else {
            anchor = completions[next]
            completions[next] = time
            next = (next + 1) % Self.completionsMax
        }
    }

    /// Requests completed a second, over the latest of them; nil before the first.
    package func perSecond(now: Duration) -> Double? {
        let time = (busyTime(now) - anchor).inSeconds
        return completions.isEmpty || time <= 0 ? nil : Double(completions.count) / time
    }

    /// Seconds until `waiting` requests will have been served; the most where nothing is known yet.
    package func retryAfterSeconds(waiting: Int, now: Duration) -> Int {
        guard let rate = perSecond(now: now) else { return Self.retrySeconds.upperBound }
        let seconds = (Double(waiting) / rate).rounded(.up)
        return Int(
            min(
                max(seconds, Double(Self.retrySeconds.lowerBound)),
                Double(Self.retrySeconds.upperBound)))
    }

    private func busyTime(_ now: Duration) -> Duration {
        busyBefore + (busySince.map { max(.zero, now - $0) } ?? .zero)
    }
}
