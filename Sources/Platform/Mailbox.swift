// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A bounded first-in first-out queue between threads, with blocking ends.
///
/// Swift's `Mutex` has no condition variable, so this is built on the C library's. Who waits is
/// woken after the mutex is free: on a busy CPU it runs at once, in place of who woke it, and would
/// go back to sleep for the mutex, perhaps for the rest of the other's time on the CPU.
package final class Mailbox<Element: Sendable>: Sendable {
    private let capacity: Int
    /// `state` is touched only with `mutex` held; the other two are freed when nobody can use them.
    private nonisolated(unsafe) let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private nonisolated(unsafe) let changed: UnsafeMutablePointer<pthread_cond_t>
    private nonisolated(unsafe) var state = State()

    private struct State {
        /// nil before `head`: what was taken is nobody's here.
        var elements: [Element?] = []
        var head = 0
        var isClosed = false
        var count: Int { elements.count - head }

        mutating func takeOldest() -> Element? {
            guard count > 0, let element = elements[head].take() else { return nil }
            head += 1
            if head == elements.count {
                elements.removeAll(keepingCapacity: true)
                head = 0
            } else if head >= 64, head * 2 >= elements.count {
                elements.removeFirst(head)
                head = 0
            }
            return element
        }
    }

    package init(capacity: Int) {
        precondition(capacity > 0)
        self.capacity = capacity
        mutex = .allocate(capacity: 1)
        changed = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(changed, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(changed)
        pthread_mutex_destroy(mutex)
        changed.deallocate()
        mutex.deallocate()
    }

    /// Adds `element` without waiting; false when the mailbox is full or closed.
    @discardableResult
    package func offer(_ element: Element) -> Bool {
        add(element, waiting: false)
    }

    /// Adds `element`, waiting for room; false when the mailbox is or becomes closed.
    @discardableResult
    package func post(_ element: Element) -> Bool {
        add(element, waiting: true)
    }

    private func add(_ element: Element, waiting: Bool) -> Bool {
        pthread_mutex_lock(mutex)
        while waiting, !state.isClosed, state.count >= capacity {
            pthread_cond_wait(changed, mutex)
        }
        let hasRoom = !state.isClosed && state.count < capacity
        if hasRoom { state.elements.append(element) }
        pthread_mutex_unlock(mutex)
        if hasRoom { pthread_cond_broadcast(changed) }
        return hasRoom
    }

    /// The oldest element; nil when there is none within `timeout` (nil waits for ever) or the
    /// mailbox is closed and empty.
    package func take(timeout: Duration? = nil) -> Element? {
        pthread_mutex_lock(mutex)
        var deadline = timeout.map { MonotonicClock.timespec(after: $0) }
        while state.count == 0, !state.isClosed {
            if var limit = deadline {
                if pthread_cond_timedwait(changed, mutex, &limit) == ETIMEDOUT { break }
                deadline = limit
            } else {
                pthread_cond_wait(changed, mutex)
            }
        }
        let element = state.takeOldest()
        pthread_mutex_unlock(mutex)
        if element != nil { pthread_cond_broadcast(changed) }
        return element
    }

    package var isClosed: Bool {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return state.isClosed
    }

    /// Refuses further elements and wakes everyone; what is inside can still be taken.
    package func close() {
        pthread_mutex_lock(mutex)
        state.isClosed = true
        pthread_mutex_unlock(mutex)
        pthread_cond_broadcast(changed)
    }
}
