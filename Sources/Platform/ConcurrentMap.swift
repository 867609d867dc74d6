// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// `transform` of each element, in order, computed by `threadCount` threads, of which the caller is
/// one; where the system has no more, by fewer.
package func concurrentMap<Element: Sendable, Result: Sendable>(
    _ elements: [Element], threadCount: Int, _ transform: @escaping @Sendable (Element) -> Result
) -> [Result] {
    let board = MapBoard<Result>(count: elements.count)
    let work: @Sendable () -> Void = {
        while let index = board.claim() { board.put(transform(elements[index]), at: index) }
    }
    let threads = (0..<max(0, min(threadCount, elements.count) - 1)).compactMap { _ in
        try? OSThread(name: "map", work)
    }
    work()
    for thread in threads { thread.join() }
    return board.results
}

private final class MapBoard<Result: Sendable>: Sendable {
    private let state: Mutex<(next: Int, results: [Result?])>

    init(count: Int) { state = Mutex((0, Array(repeating: nil, count: count))) }

    func claim() -> Int? {
        state.withLock { state in
            guard state.next < state.results.count else { return nil }
            defer { state.next += 1 }
            return state.next
        }
    }

    func put(_ result: Result, at index: Int) { state.withLock { $0.results[index] = result } }

    var results: [Result] { state.withLock { $0.results.compactMap { $0 } } }
}
