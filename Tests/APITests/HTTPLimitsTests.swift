// SPDX-License-Identifier: Apache-2.0

import API
import Testing

struct HTTPLimitsTests {
    @Test(arguments: [
        (0, 64), (256, 64), (664, 64), (665, 65), (1024, 424), (1624, 1024), (65_536, 1024),
        (Int.max, 1024),
    ])
    func connectionsLeaveDescriptorsToOthers(limit: Int, count: Int) {
        #expect(HTTPLimits.connectionCount(descriptorLimit: limit) == count)
    }
}
