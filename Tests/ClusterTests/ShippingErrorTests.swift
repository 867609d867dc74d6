// SPDX-License-Identifier: Apache-2.0

import Cluster
import Glibc
import Platform
import Testing

struct ShippingErrorTests {
    @Test func roomIsAllThatSomeErrorsLack() {
        let full = FileError.cannotWrite(path: "/c", errno: ENOSPC)
        let denied = FileError.cannotWrite(path: "/c", errno: EACCES)
        let noRoom = ShippingError.noRoom(
            directory: "/c", needByteCount: 2, shortByteCount: 1)
        let lacking: [any Error] = [
            full, noRoom, ShippingError.cacheUnusable(directory: "/c", full),
        ]
        #expect(lacking.allSatisfy { ShippingError.isLackOfRoom($0) })
        let others: [any Error] = [
            denied, ShippingError.cacheUnusable(directory: "/c", denied),
            ShippingError.wrongHash("0"), FileError.cannotRead(path: "/c", errno: ENOSPC),
        ]
        #expect(!others.contains { ShippingError.isLackOfRoom($0) })
    }
}
