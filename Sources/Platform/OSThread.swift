// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc

/// An operating-system thread with an owner: whoever starts it joins it, or lets it go.
///
/// Compute and blocking I/O run on these, never on Swift's cooperative pool.
package final class OSThread: Sendable {
    private let handle: pthread_t

    /// Starts `body` on a new thread called `name` (at most 15 bytes are kept by the kernel).
    package init(name: String, _ body: @escaping @Sendable () -> Void) throws(ThreadError) {
        let box = Unmanaged.passRetained(ThreadBody(name: name, run: body))
        var thread = pthread_t()
        let status = pthread_create(&thread, nil, runThread, box.toOpaque())
        guard status == 0 else {
            box.release()
            throw ThreadError(name: name, errno: status)
        }
        handle = thread
    }

    /// Waits until the thread has ended. Call exactly once.
    package func join() { pthread_join(handle, nil) }

    /// Instead of `join`, where nobody waits for its end.
    package func letGo() { pthread_detach(handle) }

    /// Keeps the thread on these CPUs, where the system allows it.
    package func bind(to cpus: [Int]) { Self.bind(handle, to: cpus) }

    /// Keeps the calling thread on these CPUs; not those that it starts.
    package static func bindCurrent(to cpus: [Int]) { bind(pthread_self(), to: cpus) }

    private static func bind(_ thread: pthread_t, to cpus: [Int]) {
        let numbers = cpus.map { Int32(clamping: $0) }
        cl_bind_thread(thread, numbers, Int32(clamping: numbers.count))
    }

    /// The CPUs this process may run on, in ascending order.
    package static func allowedCPUs() -> [Int] {
        var cpus = [Int32](repeating: 0, count: Int(CL_CPUS_MAX))
        let count = Int(cl_allowed_cpus(&cpus, Int32(cpus.count)))
        return count == 0 ? [0] : cpus.prefix(count).map(Int.init)
    }
}

/// That the system, or a limit on this process, has no room for another thread.
package struct ThreadError: Error, Equatable, CustomStringConvertible {
    package let name: String
    package let errno: Int32

    package var description: String {
        "cannot start thread \(name): \(systemMessage(errno)); raise the limits on threads and "
            + "memory (ulimit -u, TasksMax, pids.max)"
    }
}

private final class ThreadBody: Sendable {
    let name: String
    let run: @Sendable () -> Void

    init(name: String, run: @escaping @Sendable () -> Void) {
        self.name = name
        self.run = run
    }
}

private func runThread(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    let body = Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue()
    cl_name_thread(String(decoding: body.name.utf8.prefix(15), as: UTF8.self))
    // Who started it may be bound.
    cl_unbind_thread()
    body.run()
    return nil
}
