// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization

/// The whole screen of the terminal that the process runs on, and its keys.
///
/// Escape sequences are those of ECMA-48 and xterm, which every common terminal knows. Until
/// `restore` the alternate screen is shown, the cursor is hidden, keys come one by one and unseen,
/// and Ctrl-Z, Ctrl-\ and SIGTSTP do nothing; Ctrl-C still is SIGINT.
package final class Terminal: Sendable {
    private let original: termios
    private let isRestored = Mutex(false)

    /// Whether a program may draw on standard output and read keys from standard input.
    package static var isInteractive: Bool {
        isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1
    }

    /// Takes the screen over; nil where there is no terminal.
    package init?() {
        var original = termios()
        guard Self.isInteractive, tcgetattr(STDIN_FILENO, &original) == 0 else { return nil }
        var raw = original
        raw.c_lflag &= ~tcflag_t(ICANON | ECHO)
        // Nor does Ctrl-S hold up what is drawn.
        raw.c_iflag &= ~tcflag_t(IXON)
        withUnsafeMutableBytes(of: &raw.c_cc) { keys in
            // 0 turns a key off.
            keys[Int(VSUSP)] = 0
            keys[Int(VQUIT)] = 0
            keys[Int(VMIN)] = 1
            keys[Int(VTIME)] = 0
        }
        guard tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0 else { return nil }
        self.original = original
        // Stopped, it would leave the terminal as it is now.
        signal(SIGTSTP, SIG_IGN)
        StandardOutput.write("\u{1B}[?1049h\u{1B}[?25l\u{1B}[2J")
    }

    deinit { restore() }

    /// Gives the screen back as it was. Any thread may call it, more than once. It waits for a
    /// terminal that takes nothing more, but how its keys work has changed back by then.
    package func restore() {
        var original = original
        tcsetattr(STDIN_FILENO, TCSANOW, &original)
        isRestored.withLock { isRestored in
            guard !isRestored else { return }
            isRestored = true
            StandardOutput.write("\u{1B}[0m\u{1B}[?25h\u{1B}[?1049l")
            signal(SIGTSTP, SIG_DFL)
        }
    }

    /// Columns and rows as they are now; 80 × 24 where the terminal does not say.
    package var size: (columns: Int, rows: Int) { Self.size(of: STDOUT_FILENO) }

    static func size(of descriptor: Int32) -> (columns: Int, rows: Int) {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0
        else { return (80, 24) }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    /// Shows `lines` from the top of the screen, and nothing else. None may be wider than it.
    package func draw(_ lines: [String]) {
        // Each line is cleared first, and with the last one what is below: after one that fills the
        // screen's width it would lose its last column.
        let text =
            lines.dropLast().map { "\u{1B}[2K" + $0 + "\n" }.joined() + "\u{1B}[J"
            + (lines.last ?? "")
        isRestored.withLock { isRestored in
            guard !isRestored else { return }
            StandardOutput.write("\u{1B}[H" + text)
        }
    }

    /// What a wait for a key ended with.
    package enum Input: Equatable {
        case key(UInt8)
        case nothing
        /// The terminal is gone.
        case end
    }

    /// The next key, waiting at most `timeout`. One that sends several bytes, such as F2, whose
    /// last is a letter, is nothing.
    package func nextKey(timeout: Duration) -> Input {
        var entry = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        guard poll(&entry, 1, Int32(clamping: timeout.microseconds / 1000)) > 0 else {
            return .nothing
        }
        // They come together.
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = read(STDIN_FILENO, &bytes, bytes.count)
        guard count > 0 else { return .end }
        return bytes[0] == 0x1B ? .nothing : .key(bytes[0])
    }
}
