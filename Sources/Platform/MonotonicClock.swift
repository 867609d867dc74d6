// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Time that never goes back, as a duration since some arbitrary moment.
package enum MonotonicClock {
    package static func now() -> Duration {
        var time = Glibc.timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }

    /// The moment `delay` from now in the form that the C library's timed waits take.
    static func timespec(after delay: Duration) -> Glibc.timespec {
        let (seconds, attoseconds) = (now() + delay).components
        return Glibc.timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
    }
}

extension Duration {
    /// Whole microseconds, rounded towards zero.
    package var microseconds: Int {
        Int(components.seconds) * 1_000_000 + Int(components.attoseconds / 1_000_000_000_000)
    }

    package var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}
