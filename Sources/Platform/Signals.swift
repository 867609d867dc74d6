// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The two signals that ask a process to end, taken as events instead of interruptions.
package enum Signals {
    /// Call first thing in `main`, before any thread starts: threads inherit the mask.
    package static func blockTermination() {
        var set = terminationSet()
        pthread_sigmask(SIG_BLOCK, &set, nil)
        signal(SIGPIPE, SIG_IGN)
    }

    /// Waits until SIGINT or SIGTERM arrives and returns its number.
    package static func waitForTermination() -> Int32 {
        var set = terminationSet()
        var number: Int32 = 0
        while sigwait(&set, &number) != 0 {}
        return number
    }

    /// Sends this process SIGTERM, as an operator would.
    package static func requestTermination() { kill(getpid(), SIGTERM) }

    private static func terminationSet() -> sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGINT)
        sigaddset(&set, SIGTERM)
        return set
    }
}
