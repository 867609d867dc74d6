// SPDX-License-Identifier: Apache-2.0

import Cluster
import Testing

struct DoublingPauseTests {
    @Test func itDoublesUpToItsBound() {
        var pause = DoublingPause(from: .seconds(5), to: .seconds(12))
        #expect(
            (0..<4).map { _ in pause.next() } == [
                .seconds(5), .seconds(10), .seconds(12), .seconds(12),
            ])
    }
}
