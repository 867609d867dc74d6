// SPDX-License-Identifier: Apache-2.0

/// Finds stop texts in a stream of text, holding back what could be the beginning of one.
package struct StopMatcher {
    private let stops: [[UInt8]]
    private var held: [UInt8] = []
    package private(set) var isStopped = false

    package init(_ stops: [String]) {
        self.stops = stops.map { Array($0.utf8) }.filter { !$0.isEmpty }
    }

    /// Takes the next piece and returns what can be shown. After a stop text nothing more comes.
    package mutating func append(_ text: String) -> String {
        guard !isStopped else { return "" }
        guard !stops.isEmpty else { return text }
        held += text.utf8
        if let start = firstStop() {
            isStopped = true
            return take(start)
        }
        return take(held.count - longestBeginning())
    }

    /// What was held back, when no more text comes.
    package mutating func finish() -> String { isStopped ? "" : take(held.count) }

    private mutating func take(_ count: Int) -> String {
        // Stop texts begin with a whole character, so the cut never splits one.
        let text = String(decoding: held[..<count], as: UTF8.self)
        held.removeFirst(count)
        return text
    }

    private func firstStop() -> Int? {
        held.indices.first { start in stops.contains { held[start...].starts(with: $0) } }
    }

    /// Bytes at the end that are the beginning of some stop text.
    private func longestBeginning() -> Int {
        let longest = stops.map(\.count).max() ?? 0
        for count in stride(from: min(longest - 1, held.count), to: 0, by: -1)
        where stops.contains(where: { $0.starts(with: held.suffix(count)) }) {
            return count
        }
        return 0
    }
}
