// SPDX-License-Identifier: Apache-2.0

import Platform
import Testing

struct ErrorBacklogTests {
    /// Lines, how many were lost, and the progress line.
    private func next(_ backlog: inout ErrorBacklog) -> (lines: [String], lost: Int, String)? {
        backlog.next().map { ($0.lines, $0.lostCount, $0.progress) }
    }

    @Test func linesKeepTheirOrder() throws {
        var backlog = ErrorBacklog()
        #expect(backlog.isWritten && next(&backlog) == nil)
        for line in ["a", "b", "c"] { backlog.add(line) }
        #expect(!backlog.isWritten)
        #expect(try #require(next(&backlog)) == (["a", "b", "c"], 0, ""))
        // They are being written while another comes.
        backlog.add("d")
        #expect(!backlog.isWritten)
        #expect(try #require(next(&backlog)) == (["d"], 0, ""))
        #expect(!backlog.isWritten)
        #expect(next(&backlog) == nil && backlog.isWritten)
    }

    @Test func whatFindsNoRoomIsCounted() throws {
        var backlog = ErrorBacklog()
        backlog.add("first")
        // Nobody takes that one.
        #expect(next(&backlog)?.lines == ["first"])
        let lines = (0..<ErrorBacklog.lineCountMax).map(String.init)
        for line in lines + ["lost", "lost as well"] { backlog.add(line) }
        #expect(try #require(next(&backlog)) == (lines, 2, ""))
        backlog.add("last")
        #expect(try #require(next(&backlog)) == (["last"], 0, ""))
    }

    @Test func onlyTheLatestProgressIsShown() throws {
        var backlog = ErrorBacklog()
        let areNews = ["", "1 %", "2 %", "2 %"].map { backlog.show(progress: $0) }
        #expect(areNews == [false, true, true, false])
        #expect(try #require(next(&backlog)) == ([], 0, "2 %"))
        #expect(next(&backlog) == nil)
        backlog.add("line")
        #expect(try #require(next(&backlog)) == (["line"], 0, "2 %"))
        let isNews = backlog.show(progress: "")
        #expect(isNews && !backlog.isWritten)
        #expect(try #require(next(&backlog)) == ([], 0, ""))
        #expect(next(&backlog) == nil && backlog.isWritten)
    }
}
