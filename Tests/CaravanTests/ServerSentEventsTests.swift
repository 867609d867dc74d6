// SPDX-License-Identifier: Apache-2.0

import Testing
import caravan

struct ServerSentEventsTests {
    private func events(
        _ parts: [some Sequence<UInt8>]
    ) throws -> [ServerSentEvents.Event] {
        var stream = ServerSentEvents()
        var events: [ServerSentEvents.Event] = []
        for part in parts { events += try stream.take(part) }
        return events
    }

    private func events(_ text: String) throws -> [ServerSentEvents.Event] {
        try events([Array(text.utf8)])
    }

    @Test func aLineWithoutEndIsRefused() throws {
        let limit = ServerSentEvents.lineBytesMax
        var stream = ServerSentEvents()
        let block = [UInt8](repeating: UInt8(ascii: "x"), count: limit / 4)
        for _ in 0..<4 { #expect(try stream.take(block).isEmpty) }
        #expect(throws: ServerSentEventsFault.lineTooLong(limit: limit)) {
            try stream.take("x".utf8)
        }
    }

    @Test func anEventWithoutEndIsRefused() throws {
        let limit = ServerSentEvents.dataBytesMax
        var stream = ServerSentEvents()
        let line = Array("data:\(String(repeating: "x", count: limit / 4 - 1))\n".utf8)
        for _ in 0..<4 { #expect(try stream.take(line).isEmpty) }
        #expect(throws: ServerSentEventsFault.dataTooLong(limit: limit)) {
            try stream.take("data:x\n".utf8)
        }
    }

    /// The examples of WHATWG HTML, section 9.2.6, with what it says of them.
    @Test(arguments: [
        ("data: YHOO\ndata: +2\ndata: 10\n\n", ["YHOO\n+2\n10"]),
        (
            ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\n"
                + "data:  third event\n\n",
            ["", "first event", "second event", " third event"]
        ),
        ("data\n\ndata\ndata\n\ndata:", ["", "\n"]),
        ("data:test\n\ndata: test\n\n", ["test", "test"]),
    ])
    func theStandardsExamples(text: String, expected: [String]) throws {
        let found = try events(text).map { event in
            switch event {
            case .data(let data): data
            case .comment: ""
            }
        }
        #expect(found == expected)
    }

    @Test(arguments: ["\n", "\r\n", "\r"])
    func anyCutGivesTheSameEvents(lineEnd: String) throws {
        let text =
            "\u{FEFF}data: ä 模\ndata: b\n\n: waiting\n\nevent: x\ndata:\t{}\n\ndata: [DONE]\n\n"
        let bytes = Array(text.replacing("\n", with: lineEnd).utf8)
        let expected: [ServerSentEvents.Event] = [
            .data("ä 模\nb"), .comment, .data("\t{}"), .data("[DONE]"),
        ]
        #expect(try events([bytes]) == expected)
        #expect(try events(bytes.map { [$0] }) == expected)
        for cut in bytes.indices {
            #expect(try events([bytes[..<cut], bytes[cut...]]) == expected, "cut at \(cut)")
        }
    }

    @Test func whatTheEndCutsOffNeverComes() throws {
        #expect(try events("data: a\n\ndata: b\n") == [.data("a")])
        #expect(try events("database: a\n\nretry: 1\n\n").isEmpty)
        #expect(try events("data: \u{FEFF}\n\n") == [.data("\u{FEFF}")])
    }
}
