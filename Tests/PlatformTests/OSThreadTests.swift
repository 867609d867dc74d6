// SPDX-License-Identifier: Apache-2.0

import Platform
import Testing

struct OSThreadTests {
    @Test func joinWaitsForTheEnd() {
        let done = Mailbox<Int>(capacity: 10)
        let threads = (0..<10).map { number in
            OSThread(name: "a name longer than the kernel keeps") { done.offer(number) }
        }
        for thread in threads { thread.join() }
        let seen = (0..<10).compactMap { _ in done.take(timeout: .zero) }
        #expect(seen.sorted() == Array(0..<10))
    }

    @Test func mapsConcurrentlyInOrder() {
        let squares = concurrentMap(Array(0..<1000), threadCount: 4) { $0 * $0 }
        #expect(squares == (0..<1000).map { $0 * $0 })
        #expect(concurrentMap([Int](), threadCount: 4) { $0 } == [])
    }
}
