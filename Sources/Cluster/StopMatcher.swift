// SPDX-License-Identifier: Apache-2.0

import Model

/// Finds stop texts in a stream of text, holding back what could be the beginning of one.
///
/// What a piece costs depends on its length alone, not on how much is held: it runs on the thread
/// that all streams wait for.
package struct StopMatcher {
    private struct Stop {
        let pattern: BytePattern
        /// How much of the pattern the text so far ends with.
        var length = 0
    }

    private var stops: [Stop]
    private var held: [UInt8] = []
    package private(set) var isStopped = false

    package init(_ stops: [String]) {
        self.stops = stops.filter { !$0.isEmpty }.map { Stop(pattern: BytePattern(Array($0.utf8))) }
    }

    /// Takes the next piece and returns what can be shown. After a stop text nothing more comes.
    package mutating func append(_ text: String) -> String {
        guard !isStopped else { return "" }
        guard !stops.isEmpty else { return text }
        let bytes = Array(text.utf8)
        let starts = stops.indices.compactMap { firstStart(of: $0, in: bytes) }
        held += bytes
        if let start = starts.min() {
            isStopped = true
            return take(start)
        }
        return take(held.count - (stops.map(\.length).max() ?? 0))
    }

    /// What was held back, when no more text comes.
    package mutating func finish() -> String { isStopped ? "" : take(held.count) }

    private mutating func take(_ count: Int) -> String {
        // Stop texts begin with a whole character, so the cut never splits one.
        let text = String(decoding: held[..<count], as: UTF8.self)
        held.removeFirst(count)
        return text
    }

    /// Where the stop text begins, in what is held and `bytes` after it; nil if it is not whole.
    private mutating func firstStart(of index: Int, in bytes: [UInt8]) -> Int? {
        let pattern = stops[index].pattern
        for (offset, byte) in bytes.enumerated() {
            stops[index].length = pattern.next(after: stops[index].length, byte)
            if stops[index].length == pattern.bytes.count {
                return held.count + offset + 1 - pattern.bytes.count
            }
        }
        return nil
    }
}
