// SPDX-License-Identifier: Apache-2.0

import Cluster
import Testing

@Suite struct LoadProgressTests {
    private let step = LoadProgress.step

    @Test func memoryThatGrowsOrShrinksIsProgress() {
        var progress = LoadProgress()
        progress.note(residentBytes: 10 * step)
        #expect(progress.movedBytes == 10 * step)
        progress.note(residentBytes: 4 * step)
        #expect(progress.movedBytes == 16 * step)
        progress.note(residentBytes: 5 * step)
        #expect(progress.movedBytes == 17 * step)
    }

    @Test func whatStaysNearlyTheSameIsNone() {
        var progress = LoadProgress()
        progress.note(residentBytes: 10 * step)
        for _ in 0..<3 {
            progress.note(residentBytes: 11 * step - 1)
            progress.note(residentBytes: 9 * step + 1)
        }
        #expect(progress.movedBytes == 10 * step)
    }

    /// Each heartbeat shows less than a step.
    @Test func slowProgressAddsUp() {
        var progress = LoadProgress()
        for index in 1...32 { progress.note(residentBytes: index * step / 4) }
        #expect(progress.movedBytes == 8 * step)
    }
}
