// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A process that this one started and ends.
///
/// Its standard input is a pipe that this process holds open: a child that reads it gets the input
/// it was started with, and sees the end when its parent is gone, however the parent died.
package final class ChildProcess: Sendable {
    package let processID: Int32
    private let leash: Int32

    /// What fits into a pipe before anybody reads it.
    private static let inputBytesMax = 4096

    /// Starts this very executable with `arguments`; stderr is shared, stdout goes to stderr.
    /// `input`, a few lines, waits on its standard input.
    package static func ofSelf(
        arguments: [String], input: String = ""
    ) throws(ProcessError) -> ChildProcess {
        precondition(input.utf8.count <= inputBytesMax)
        return try ChildProcess(executable: "/proc/self/exe", arguments: arguments, input: input)
    }

    private init(
        executable: String, arguments: [String], input: String
    ) throws(ProcessError) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw .cannotStart(executable, errno: errno) }
        _ = fcntl(ends[1], F_SETFD, FD_CLOEXEC)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO)
        posix_spawn_file_actions_addclose(&actions, ends[0])
        posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // Its own process group: Ctrl-C reaches the parent alone, which then ends its children.
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        posix_spawnattr_setpgroup(&attributes, 0)

        var words = (["caravan"] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var process: pid_t = 0
        let status = posix_spawn(&process, executable, &actions, &attributes, &words, environ)
        close(ends[0])
        guard status == 0 else {
            close(ends[1])
            throw .cannotStart(executable, errno: status)
        }
        processID = process
        leash = ends[1]
        let bytes = Array(input.utf8)
        // A child that has ended already has its exit status to say so.
        _ = bytes.withUnsafeBytes { write(leash, $0.baseAddress, $0.count) }
    }

    deinit { close(leash) }

    /// Asks the process to end (SIGTERM).
    package func terminate() { _ = Glibc.kill(processID, SIGTERM) }

    /// Ends the process at once (SIGKILL).
    package func kill() { _ = Glibc.kill(processID, SIGKILL) }

    /// Waits up to `timeout` for the end; the exit status (128 + signal if killed), or nil.
    package func waitForExit(timeout: Duration) -> Int32? {
        let deadline = MonotonicClock.now() + timeout
        var status: Int32 = 0
        while true {
            let result = waitpid(processID, &status, WNOHANG)
            if result == processID {
                let signal = status & 0x7F
                return signal == 0 ? status >> 8 & 0xFF : 128 + signal
            }
            guard result == 0, MonotonicClock.now() < deadline else { return nil }
            usleep(2_000)
        }
    }
}

/// Calls of a child that its parent's end concerns.
package enum ParentProcess {
    /// Returns once the process at the other end of standard input is gone.
    package static func waitForEnd() {
        var byte: UInt8 = 0
        while true {
            let got = read(STDIN_FILENO, &byte, 1)
            if got == 0 || (got < 0 && errno != EINTR) { return }
        }
    }
}

/// Why a process could not be started.
package enum ProcessError: Error, Equatable, CustomStringConvertible {
    case cannotStart(String, errno: Int32)

    package var description: String {
        switch self {
        case .cannotStart(let path, let errno):
            "cannot start \(path): \(systemMessage(errno)); check limits on processes and memory"
        }
    }
}

/// Ends this process with `status`, at once but for what standard error is still to take.
package func exitProcess(status: Int32) -> Never {
    StandardError.flush()
    exit(status)
}
