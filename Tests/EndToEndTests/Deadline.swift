// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A bound on waiting for another process: what is waited for fails the test when it does not come.
struct Deadline {
    /// Far beyond what anything here takes on a slow machine.
    static let patience = Duration.seconds(60)

    /// What a pause of milliseconds can't take by itself.
    private static let stopMin = Duration.milliseconds(500)

    /// Asks every few milliseconds until `isReached`; false if `patience` runs out before.
    static func wait(_ patience: Duration = patience, until isReached: () throws -> Bool) rethrows
        -> Bool
    {
        var end = ContinuousClock.now + patience
        while ContinuousClock.now < end {
            if try isReached() { return true }
            let pause = ContinuousClock().measure { _ = poll(nil, 0, 10) }
            // The test was stopped itself, perhaps with the machine: nobody else's time.
            if pause > stopMin { end += pause }
        }
        return try isReached()
    }
}

/// Why the harness, not the program under test, could not go on.
enum HarnessError: Error, CustomStringConvertible {
    case noBinary(String)
    case cannotStart(String, errno: Int32)
    case stillRunning(String, log: String)
    case endedEarly(String, status: Int32, log: String)
    case neverReady(String, log: String)
    case cannotConnect(port: Int, errno: Int32)
    case noAnswer(String)

    var description: String {
        switch self {
        case .noBinary(let path): "\(path) is not there; build it: swift build -c release"
        case .cannotStart(let path, let errno):
            "cannot start \(path): \(String(cString: strerror(errno)))"
        case .stillRunning(let what, let log): "\(what) did not end; its log: \(log)"
        case .endedEarly(let what, let status, let log):
            "\(what) ended with status \(status); its log: \(log)"
        case .neverReady(let what, let log): "\(what) never became ready; its log: \(log)"
        case .cannotConnect(let port, let errno):
            "cannot connect to port \(port): \(String(cString: strerror(errno)))"
        case .noAnswer(let what): "no answer: \(what)"
        }
    }
}
