// SPDX-License-Identifier: Apache-2.0

import Platform

/// What a chat shows: all of it on a terminal, elsewhere answers alone.
struct ChatScreen {
    /// The longest line that Linux's terminals hand over whole (n_tty), without its end.
    static let typedBytesMax = 4094

    /// Whether a person types the lines and sees the answers.
    let isInteractive = Terminal.isInteractive
    private let colour =
        FileSystem.environment("NO_COLOR") == nil && FileSystem.environment("TERM") != "dumb"
    private var isAtLineStart = true

    func greet(model: String, url: String) {
        var line = StyledLine(model.escapingControls, .bold)
        line.add(" at \(url.escapingControls)")
        StandardOutput.write(line.text(colour: colour) + "\n")
        note(#"/new begins anew, /quit or Ctrl-D ends, Ctrl-C stops an answer,"#)
        note(#"""" begins and ends a text of several lines"#)
    }

    func prompt(isInBlock: Bool) {
        if isInteractive { StandardOutput.write(isInBlock ? ". " : "> ") }
    }

    /// A remark beside the conversation.
    func note(_ text: String) {
        guard isInteractive else { return }
        StandardOutput.write(StyledLine(text, .faint).text(colour: colour) + "\n")
    }

    mutating func show(_ text: String) throws(OutputError) {
        ProgressLine.clear()
        try StandardOutput.show(answer: text)
        isAtLineStart = text.utf8.last == UInt8(ascii: "\n")
    }

    /// Says that something will come; in the midst of a line there is no place for it.
    func showWaiting() {
        guard isInteractive, isAtLineStart else { return }
        ProgressLine.show(StyledLine("waiting for the cluster", .faint), colour: colour)
    }

    /// After an answer: its line ends, and on a terminal an empty one follows.
    mutating func endAnswer() throws(OutputError) {
        ProgressLine.clear()
        let isOpen = !isAtLineStart || !isInteractive
        try StandardOutput.show((isOpen ? "\n" : "") + (isInteractive ? "\n" : ""))
        isAtLineStart = true
    }

    /// After an answer that came in part, or not at all.
    mutating func breakOff() {
        ProgressLine.clear()
        if !isAtLineStart { StandardOutput.write("\n") }
        isAtLineStart = true
    }

    func show(_ error: any Error) {
        let line = StyledLine("\(error)".escapingControls, .alarm)
        StandardError.write(line.text(colour: colour && StandardError.isTerminal) + "\n")
    }

    /// Before the shell writes its next prompt. Any thread may call it.
    static func leave() {
        ProgressLine.clear()
        if Terminal.isInteractive { StandardOutput.write("\n") }
    }
}
