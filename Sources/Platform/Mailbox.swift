// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A bounded first-in first-out queue between threads, with blocking ends.
///
/// Swift's `Mutex` has no condition variable, so this is built on the C library's.
package final class Mailbox<Element: Sendable>: Sendable {
    private let capacity: Int
    /// The three below are touched only with `mutex` held (and freed when nobody can hold it).
    private nonisolated(unsafe) let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private nonisolated(unsafe) let changed: UnsafeMutablePointer<pthread_cond_t>
    private nonisolated(unsafe) var state = State()

    private struct State {
        /// nil before `head`: what was taken is nobody's here.
        var elements: [Element?] = []
        var head = 0
        var isClosed = false
        var count: Int { elements.count - head }
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
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        guard !state.isClosed, state.count < capacity else { return false }
        append(element)
        return true
    }

    /// Adds `element`, waiting for room; false when the mailbox is or becomes closed.
    @discardableResult
    package func post(_ element: Element) -> Bool {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while !state.isClosed, state.count >= capacity { pthread_cond_wait(changed, mutex) }
        guard !state.isClosed else { return false }
        append(element)
        return true
    }

    /// The oldest element; nil when there is none within `timeout` (nil waits for ever) or the
    /// mailbox is closed and empty.
    package func take(timeout: Duration? = nil) -> Element? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        var deadline = timeout.map { MonotonicClock.timespec(after: $0) }
        while state.count == 0, !state.isClosed {
            if var limit = deadline {
                if pthread_cond_timedwait(changed, mutex, &limit) == ETIMEDOUT { break }
                deadline = limit
            } else {
                pthread_cond_wait(changed, mutex)
            }
        }
        guard state.count > 0, let element = state.elements[state.head].take() else { return nil }
        state.head += 1
        if state.head == state.elements.count {
            state.elements.removeAll(keepingCapacity: true)
            state.head = 0
        } else if state.head >= 64, state.head * 2 >= state.elements.count {
            state.elements.removeFirst(state.head)
            state.head = 0
        }
        pthread_cond_broadcast(changed)
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
        pthread_cond_broadcast(changed)
        pthread_mutex_unlock(mutex)
    }

    private func append(_ element: Element) {
        state.elements.append(element)
        pthread_cond_broadcast(changed)
    }
}
