// SPDX-License-Identifier: Apache-2.0

import Platform
import Testing

struct OSThreadTests {
    @Test func joinWaitsForTheEnd() throws {
        let done = Mailbox<Int>(capacity: 10)
        let threads = try (0..<10).map { number in
            try OSThread(name: "a name longer than the kernel keeps") { done.offer(number) }
        }
        for thread in threads { thread.join() }
        let seen = (0..<10).compactMap { _ in done.take(timeout: .zero) }
        #expect(seen.sorted() == Array(0..<10))
    }

    @Test func aBoundThreadsOwnThreadsAreFree() throws {
        let allowed = OSThread.allowedCPUs()
        let last = try #require(allowed.last)
        let found = Mailbox<[Int]>(capacity: 2)
        let bound = try OSThread(name: "bound") {
            OSThread.bindCurrent(to: [last])
            found.offer(Self.currentCPUs())
            let free = try? OSThread(name: "free") { found.offer(Self.currentCPUs()) }
            free?.join()
        }
        bound.join()
        #expect(found.take(timeout: .zero) == [last])
        #expect(found.take(timeout: .zero) == allowed)
    }

    /// What the kernel says of the calling thread.
    private static func currentCPUs() -> [Int] {
        let name = "Cpus_allowed_list:"
        let lines = (SmallFile.read("/proc/thread-self/status") ?? "").split(separator: "\n")
        let line = lines.first { $0.hasPrefix(name) }?.dropFirst(name.count)
        return line.flatMap { ProcessorCount.cpuList(String($0)) } ?? []
    }

    @Test func mapsConcurrentlyInOrder() {
        let squares = concurrentMap(Array(0..<1000), threadCount: 4) { $0 * $0 }
        #expect(squares == (0..<1000).map { $0 * $0 })
        #expect(concurrentMap([Int](), threadCount: 4) { $0 } == [])
    }
}
