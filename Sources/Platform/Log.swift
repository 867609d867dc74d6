// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import Synchronization

/// Lines for the operator on stderr: `2026-01-31T12:00:00.123Z level message`.
///
/// Who logs never waits for whoever reads that.
package enum Log {
    package enum Level: Int, Sendable, Comparable {
        case debug, info, warning, error

        package static func < (a: Level, b: Level) -> Bool { a.rawValue < b.rawValue }

        var label: String {
            switch self {
            case .debug: "debug"
            case .info: "info"
            case .warning: "warning"
            case .error: "error"
            }
        }
    }

    private static let threshold = Mutex<Level>(.info)

    /// Lines below `level` are dropped from now on.
    package static func setThreshold(_ level: Level) { threshold.withLock { $0 = level } }

    package static func debug(_ message: @autoclosure () -> String) { write(.debug, message()) }
    package static func info(_ message: @autoclosure () -> String) { write(.info, message()) }
    package static func warning(_ message: @autoclosure () -> String) { write(.warning, message()) }
    package static func warnings(_ messages: [String]) { for line in messages { warning(line) } }
    package static func error(_ message: @autoclosure () -> String) { write(.error, message()) }

    private static func write(_ level: Level, _ message: @autoclosure () -> String) {
        guard level >= threshold.withLock({ $0 }) else { return }
        StandardError.post(line(level, message()))
    }

    static func line(_ level: Level, _ message: String) -> String {
        "\(timestamp()) \(level.label) \(message)\n"
    }

    private static func timestamp() -> String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        var parts = tm()
        gmtime_r(&now.tv_sec, &parts)
        func padded(_ value: Int, _ width: Int) -> String {
            let digits = String(value)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        let date = [
            padded(Int(parts.tm_year) + 1900, 4), padded(Int(parts.tm_mon) + 1, 2),
            padded(Int(parts.tm_mday), 2),
        ].joined(separator: "-")
        let time = [parts.tm_hour, parts.tm_min, parts.tm_sec]
            .map { padded(Int($0), 2) }.joined(separator: ":")
        return "\(date)T\(time).\(padded(now.tv_nsec / 1_000_000, 3))Z"
    }
}

/// The process's standard output stream, written without buffering.
package enum StandardOutput {
    package static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

    /// Makes writing to it fail where it is closed or nobody reads it, instead of ending the
    /// process or writing into what has been opened in its place. Call first thing in `main`.
    package static func secure() { cl_secure_output() }

    /// Makes the file that standard output goes to, if it goes to a file, its owner's alone.
    package static func keepPrivate() {
        var status = stat()
        guard fstat(STDOUT_FILENO, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return }
        _ = fchmod(STDOUT_FILENO, 0o600)
    }

    /// False if it was not written to its end, as where nobody reads it any more.
    @discardableResult
    package static func write(_ text: String) -> Bool { writeAll(text, to: STDOUT_FILENO) == 0 }

    /// Writes a result, which must not get lost unseen.
    package static func show(_ text: String) throws(OutputError) {
        let reason = writeAll(text, to: STDOUT_FILENO)
        guard reason == 0 else { throw OutputError(errno: reason) }
    }
}

/// Why a result did not get to standard output.
package struct OutputError: Error, CustomStringConvertible {
    private let errno: Int32

    fileprivate init(errno: Int32) { self.errno = errno }

    /// As with `| head`: it is no fault of ours and wants no words.
    package var hasNoReader: Bool { errno == EPIPE }

    /// What a shell says of a process that such a write has ended.
    package static var noReaderStatus: Int32 { 128 + SIGPIPE }

    package var description: String {
        "cannot write to standard output: \(systemMessage(errno)); check where it goes"
    }
}

/// 0, or the error number of what failed.
func writeAll(_ text: String, to descriptor: Int32) -> Int32 {
    var text = text
    return text.withUTF8 { bytes in
        var offset = 0
        while offset < bytes.count, let base = bytes.baseAddress {
            let written = Glibc.write(descriptor, base + offset, bytes.count - offset)
            guard written > 0 else { return written < 0 ? errno : EIO }
            offset += written
        }
        return 0
    }
}
