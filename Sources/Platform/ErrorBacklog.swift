// SPDX-License-Identifier: Apache-2.0

/// What waits to be written to standard error: lines, and what the progress line is to say.
package struct ErrorBacklog: Sendable {
    /// Lines that come while as many wait are lost, and counted.
    package static let lineCountMax = 1000

    /// What is to be written next, in this order.
    package struct Batch: Sendable {
        package var lines: [String]
        /// Lines that found no room after those.
        package var lostCount: Int
        package var progress: String
    }

    private var waiting = Batch(lines: [], lostCount: 0, progress: "")
    private var isProgressNew = false
    private var isBeingWritten = false

    package init() {}

    package mutating func add(_ line: String) {
        if waiting.lines.count < Self.lineCountMax {
            waiting.lines.append(line)
        } else {
            waiting.lostCount += 1
        }
    }

    /// False if that is what it says already.
    package mutating func show(progress: String) -> Bool {
        guard progress != waiting.progress else { return false }
        waiting.progress = progress
        isProgressNew = true
        return true
    }

    /// Called once what it gave before has been written; nil until more comes.
    package mutating func next() -> Batch? {
        isBeingWritten = !waiting.lines.isEmpty || isProgressNew
        guard isBeingWritten else { return nil }
        defer {
            waiting.lines = []
            waiting.lostCount = 0
            isProgressNew = false
        }
        return waiting
    }

    package var isWritten: Bool { !isBeingWritten && waiting.lines.isEmpty && !isProgressNew }
}
