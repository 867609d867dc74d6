// SPDX-License-Identifier: Apache-2.0

import Glibc
import Platform
import Testing

struct LocalTimeTests {
    /// Read back by the system, the parts give the moment again.
    @Test(arguments: [0, 951_826_154, 1_700_000_000, 1_709_210_096])
    func partsMakeTheMoment(seconds: Int) {
        let time = LocalTime(secondsSince1970: seconds)
        var parts = tm()
        parts.tm_year = Int32(time.year - 1900)
        parts.tm_mon = Int32(time.month - 1)
        parts.tm_mday = Int32(time.day)
        parts.tm_hour = Int32(time.hour)
        parts.tm_min = Int32(time.minute)
        parts.tm_sec = Int32(time.second)
        parts.tm_isdst = -1
        #expect(Int(mktime(&parts)) == seconds)
    }
}
