// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import TestSupport

/// A program started by a test; its output goes to files, so that no pipe can fill up.
final class RunningProcess {
    let arguments: [String]
    let processID: Int32
    private let outputPath: String
    private let errorPath: String
    private var status: Int32?

    /// Starts `executable` with the file `input` as standard input. Files go to `directory`, and
    /// the process takes it for its cache and temporary files, so that traces can be looked for.
    init(
        _ executable: String, _ arguments: [String], input: String = "/dev/null",
        in directory: TemporaryDirectory
    ) throws {
        self.arguments = arguments
        let name = "process-\(UInt64.random(in: 0 ... .max))"
        outputPath = directory.file("\(name).out")
        errorPath = directory.file("\(name).err")
        try FileManager.default.createDirectory(
            atPath: directory.file("tmp"), withIntermediateDirectories: true)
        let environment = ProcessInfo.processInfo.environment.merging([
            "XDG_CACHE_HOME": directory.file("cache"),
            "XDG_STATE_HOME": directory.file("state"),
            "TMPDIR": directory.file("tmp"),
            ProcessTable.mark: directory.path,
        ]) { _, new in new }
        processID = try Self.spawn(
            executable, arguments, environment.map { "\($0.key)=\($0.value)" },
            input: input, output: outputPath, errors: errorPath)
    }

    deinit {
        guard isRunning else { return }
        kill()
        var ignored: Int32 = 0
        waitpid(processID, &ignored, 0)
    }

    /// `Foundation.Process` hands down the signal mask of the thread that starts it, which blocks
    /// SIGTERM in the threads that tests run on: hence posix_spawn with an empty mask.
    private static func spawn(
        _ executable: String, _ arguments: [String], _ environment: [String], input: String,
        output: String, errors: String
    ) throws -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        let writing = O_WRONLY | O_CREAT | O_TRUNC
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, input, O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output, writing, 0o600)
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, errors, writing, 0o600)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        var words = ([executable] + arguments).map { strdup($0) } + [nil]
        var variables = environment.map { strdup($0) } + [nil]
        defer { for word in words + variables { free(word) } }
        var process: pid_t = 0
        let reason = posix_spawn(
            &process, executable, &actions, &attributes, &words, &variables)
        guard reason == 0 else { throw HarnessError.cannotStart(executable, errno: reason) }
        return process
    }

    /// False once it has ended and its status has been taken.
    var isRunning: Bool {
        if status == nil {
            var code: Int32 = 0
            if waitpid(processID, &code, WNOHANG) == processID {
                let signal = code & 0x7F
                status = signal == 0 ? code >> 8 & 0xFF : 128 + signal
            }
        }
        return status == nil
    }

    var output: String { Self.text(outputPath) }
    var outputByteCount: Int {
        let attributes = try? FileManager.default.attributesOfItem(atPath: outputPath)
        return attributes?[.size] as? Int ?? 0
    }
    var errors: String { Self.text(errorPath) }
    var errorLines: [Substring] { errors.split(separator: "\n") }

    /// Asks it to end, as an operator would.
    func terminate() { signal(SIGTERM) }

    func kill() { signal(SIGKILL) }

    func signal(_ number: Int32) {
        if isRunning { _ = Glibc.kill(processID, number) }
    }

    /// Waits for its end; its exit status, or 128 and the signal's number.
    @discardableResult
    func waitForExit(_ patience: Duration = Deadline.patience) throws -> Int32 {
        _ = Deadline.wait(patience) { !isRunning }
        guard let status else {
            kill()
            throw HarnessError.stillRunning(arguments.joined(separator: " "), log: errors)
        }
        return status
    }

    private static func text(_ path: String) -> String {
        String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    }
}
