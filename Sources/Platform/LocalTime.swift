// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A moment as the clocks of this machine's time zone show it.
package struct LocalTime: Sendable, Equatable {
    package let year: Int
    /// 1...12
    package let month: Int
    /// 1...31
    package let day: Int
    package let hour: Int
    package let minute: Int
    package let second: Int

    package init(secondsSince1970: Int) {
        var moment = time_t(secondsSince1970)
        var parts = tm()
        tzset()
        localtime_r(&moment, &parts)
        year = Int(parts.tm_year) + 1900
        month = Int(parts.tm_mon) + 1
        day = Int(parts.tm_mday)
        hour = Int(parts.tm_hour)
        minute = Int(parts.tm_min)
        second = Int(parts.tm_sec)
    }

    package static func now() -> LocalTime { LocalTime(secondsSince1970: Int(time(nil))) }
}
