// SPDX-License-Identifier: Apache-2.0

/// How fast slots become free, so that those turned away can be told when to come back.
///
/// It does not matter whether the request in a slot ended or its client left. Who leaves while it
/// waits frees none, and the queue that it leaves is counted as it is at the time.
///
/// Only time in which there was something to do counts, so that an idle night does not make a
/// server look slow in the morning.
package struct ServiceRate: Sendable {
    /// Slots that the rate is taken over.
    package static let slotsMax = 64
    /// What a client may be told, in seconds.
    package static let retrySeconds = 1...60

    private var busyBefore = Duration.zero
    private var busySince: Duration?
    /// Busy time when the latest slots became free, oldest first from `next` on.
    private var times: [Duration] = []
    private var next = 0
    /// Busy time when the one before the oldest in `times` did.
    private var anchor = Duration.zero

    package init() { times.reserveCapacity(Self.slotsMax) }

    /// Whether there is a request from `now` on.
    package mutating func note(isBusy: Bool, now: Duration) {
        if isBusy {
            busySince = busySince ?? now
        } else if busySince != nil {
            busyBefore = busyTime(now)
            busySince = nil
        }
    }

    package mutating func freedSlot(now: Duration) {
        let time = busyTime(now)
        if times.count < Self.slotsMax {
            times.append(time)
        } else {
            anchor = times[next]
            times[next] = time
            next = (next + 1) % Self.slotsMax
        }
    }

    /// Slots freed a second, over the latest of them; nil before the first.
    package func perSecond(now: Duration) -> Double? {
        let time = (busyTime(now) - anchor).inSeconds
        return times.isEmpty || time <= 0 ? nil : Double(times.count) / time
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
