// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc

/// The signals that ask a process to end, taken as events instead of interruptions.
package enum Signals {
    /// What Ctrl-C sends: SIGINT.
    package static var interrupt: Int32 { SIGINT }
    /// What a terminal sends that goes: SIGHUP.
    package static var hangUp: Int32 { SIGHUP }

    /// From now on SIGINT, SIGTERM and SIGHUP wait for `waitForTermination`; until then each ends
    /// the process. Calling it again changes nothing.
    package static func catchTermination() { _ = areCaught }

    private static let areCaught: Void = {
        precondition(cl_catch_signals(), "cannot catch signals: \(systemMessage(errno))")
    }()

    /// Waits until SIGINT, SIGTERM or SIGHUP arrives and returns its number.
    package static func waitForTermination() -> Int32 { cl_next_signal() }

    /// Ends `waitForTermination` as SIGTERM from an operator would.
    package static func requestTermination() { cl_put_signal(SIGTERM) }
}
