// SPDX-License-Identifier: Apache-2.0

import Testing
import caravan

struct HTTPHeadTests {
    private func split(_ text: String) throws -> (head: HTTPHead, body: [UInt8])? {
        try HTTPHead.split(Array(text.utf8))
    }

    @Test(arguments: [
        "\r\n\r\n", "SSH-2.0-x\r\n\r\n", "HTTP/2 200\r\n\r\n", "HTTP/1.1\r\n\r\n",
        "HTTP/1.1 2oo OK\r\n\r\n", "HTTP/1.1 99999999999999999999 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno header\r\n\r\n",
    ])
    func whatIsNoHead(text: String) {
        #expect(throws: HTTPHeadFault.notHTTP) { try split(text) }
    }

    @Test func aHeadWithoutEndIsRefused() throws {
        let begun = "HTTP/1.0 200 OK\r\nA: "
        let limit = HTTPHead.bytesMax
        let fill = String(repeating: "x", count: limit - begun.utf8.count)
        #expect(try split(begun + fill.dropLast()) == nil)
        #expect(throws: HTTPHeadFault.tooLong(limit: limit)) { try split(begun + fill) }
        #expect(throws: HTTPHeadFault.tooLong(limit: limit)) {
            try split(begun + fill + "\r\n\r\n")
        }
    }

    @Test func aHeadMayComeInPieces() throws {
        let text = "HTTP/1.1 429 Too Many Requests\r\nServer: a:b\r\nretry-AFTER:  7 \r\n\r\n{}\n\n"
        let end = text.utf8.count - 4
        for count in 0..<end {
            #expect(try HTTPHead.split(Array(text.utf8.prefix(count))) == nil, "\(count) bytes")
        }
        let (head, body) = try #require(try split(text))
        #expect(head == HTTPHead(status: 429, retryAfterSeconds: 7))
        #expect(body == Array("{}\n\n".utf8))
    }

    @Test func headersThatMatter() throws {
        let chunked = try split("HTTP/1.1 200\nTransfer-Encoding: chunked\n\n")?.head
        #expect(chunked == HTTPHead(status: 200, hasTransferCoding: true))
        let later = try split("HTTP/1.0 503 x\r\nRetry-After: Fri, 31 Dec 1999\r\n\r\n")?.head
        #expect(later == HTTPHead(status: 503))
        let short = try split("HTTP/1.0 200 x\r\ncontent-length: 17\r\n\r\n")?.head
        #expect(short == HTTPHead(status: 200, contentLength: 17))
    }
}
