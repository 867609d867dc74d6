// SPDX-License-Identifier: Apache-2.0

import API
import Cluster
import Dispatch
import Testing

/// The server's behaviour towards clients that leave, stall, flood or speak something else.
struct HTTPServerTests {
    private static let streamBody = Array(#"{"prompt":"a","stream":true}"#.utf8)
    private static let wholeBody = Array(#"{"prompt":"a"}"#.utf8)

    @Test func portInUseIsAnErrorOfOneLine() throws {
        let fake = try ServedFake()
        let port = fake.server.port
        let error = #expect(throws: HTTPServerError.self) {
            try HTTPServer(address: "127.0.0.1", port: port, generator: fake.generator)
        }
        let text = try #require(error?.description)
        #expect(text.hasPrefix("cannot listen on 127.0.0.1:\(port): Address already in use; "))
        #expect(!text.contains("\n"))
    }

    @Test func clientThatLeavesAStreamFreesItsRequest() throws {
        let fake = try ServedFake(FakeGenerator.saying("a", ending: .hold))
        let client = fake.connect()
        client.send("POST", "/v1/completions", body: Self.streamBody)
        #expect(client.receive(until: #""text":"a""#))
        client.close()
        fake.generator.awaitCancellation()
        #expect(fake.get("/health").status == 200)
    }

    @Test func clientThatLeavesWhileItWaitsFreesItsRequest() throws {
        let fake = try ServedFake(FakeGenerator.saying("a", ending: .hold))
        let client = fake.connect()
        client.send("POST", "/v1/completions", body: Self.wholeBody)
        fake.generator.awaitSubmission()
        client.close()
        fake.generator.awaitCancellation()
        #expect(fake.get("/health").status == 200)
    }

    @Test func clientThatReadsTooSlowlyIsGivenUp() throws {
        let text = String(repeating: "x", count: 65536)
        let fake = try ServedFake(FakeGenerator.saying(text, ending: .flood))
        let client = TestClient(port: fake.server.port, receiveBufferBytes: 4096)
        client.send("POST", "/v1/completions", body: Self.streamBody)
        fake.generator.awaitCancellation()
        fake.generator.script = FakeGenerator.saying("b")
        #expect(fake.post("/v1/completions", Self.wholeBody).status == 200)
        // The connection ends without being read from: this is no client that catches up.
        let received = client.receiveAll()
        // On a busy machine it may be given up before its head was sent.
        #expect(received.isEmpty || received.starts(with: Array("HTTP/1.1 200".utf8)))
        #expect(!received.ends(with: Array("0\r\n\r\n".utf8)))
    }

    /// What waits for a slow reader is bounded, and does not keep others from their tokens.
    @Test func clientThatNeverReadsHoldsUpNobody() throws {
        let text = String(repeating: "x", count: 65536)
        let fake = try ServedFake(FakeGenerator.saying(text, ending: .flood))
        let stalled = (0..<8).map { _ in
            TestClient(port: fake.server.port, receiveBufferBytes: 4096)
        }
        for client in stalled { client.send("POST", "/v1/completions", body: Self.streamBody) }
        for _ in stalled { fake.generator.awaitSubmission() }
        fake.generator.script = FakeGenerator.saying("b", "c")
        for _ in 0..<8 {
            let reader = fake.connect()
            reader.send("POST", "/v1/completions", body: Self.streamBody)
            #expect(TestResponse(reader.receiveAll()).events.last == "[DONE]")
        }
        for _ in stalled { fake.generator.awaitCancellation() }
        for client in stalled {
            // Never more than the bound, the socket's own buffers and a block or two.
            #expect(client.receiveAll().count < 16 << 20)
        }
    }

    @Test func stopEndsOpenRequests() throws {
        let fake = try ServedFake(FakeGenerator.saying("a", ending: .hold))
        let stream = fake.connect()
        stream.send("POST", "/v1/completions", body: Self.streamBody)
        #expect(stream.receive(until: #""text":"a""#))
        let whole = fake.connect()
        whole.send("POST", "/v1/completions", body: Self.wholeBody)
        let idle = fake.connect()
        for _ in 0..<2 { fake.generator.awaitSubmission() }
        fake.server.stop()
        for _ in 0..<2 { fake.generator.awaitCancellation() }
        let events = TestResponse(stream.receiveAll())
        #expect(value(events.chunks.last, "error", "code") as? String == "shutting_down")
        let refused = TestResponse(whole.receiveAll())
        #expect(refused.status == 503)
        #expect(refused.error["code"] as? String == "shutting_down")
        #expect(idle.receiveAll().isEmpty)
        fake.server.stop()
    }

    /// libmicrohttpd 0.9.75 crashes when it refuses a request while it is being stopped.
    @Test func stopWhileMalformedRequestsArrive() throws {
        for _ in 0..<40 {
            let fake = try ServedFake(FakeGenerator.saying("a"))
            let clients = (0..<16).map { _ in fake.connect() }
            for client in clients { client.send("GET / HTTP/9.9 \u{1}\r\n:\r\n\r\n") }
            fake.server.stop()
            for client in clients { _ = client.receiveAll() }
        }
    }

    /// libmicrohttpd 0.9.75 aborts when its threads and a caller that quiesces it both take the
    /// listening socket out of an epoll set.
    @Test func stopWhileConnectionsCome() throws {
        for _ in 0..<40 {
            let fake = try ServedFake(FakeGenerator.saying("a"))
            let clients = (0..<4).map { _ in fake.connect() }
            fake.server.stop()
            for client in clients { #expect(client.receiveAll().isEmpty) }
        }
    }

    @Test func manyRequestsAtOnce() throws {
        let fake = try ServedFake(FakeGenerator.saying("a", "b", "c"))
        let clients = (0..<64).map { _ in fake.connect() }
        for (index, client) in clients.enumerated() {
            let body = index.isMultiple(of: 2) ? Self.streamBody : Self.wholeBody
            client.send("POST", "/v1/completions", body: body)
        }
        for (index, client) in clients.enumerated() {
            let response = TestResponse(client.receiveAll())
            #expect(response.status == 200)
            let chunks = index.isMultiple(of: 2) ? response.chunks : [response.json]
            let texts = chunks.compactMap { value($0, "choices", 0, "text") as? String }
            #expect(texts.joined() == "abc")
        }
        #expect(fake.generator.requests.count == 64)
    }

    @Test func connectionServesSeveralRequests() throws {
        let fake = try ServedFake(FakeGenerator.saying("a"))
        let client = fake.connect()
        for _ in 0..<3 {
            client.send(
                "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 14\r\n\r\n")
            client.send(Self.wholeBody)
        }
        client.send("GET", "/health")
        let text = String(decoding: client.receiveAll(), as: UTF8.self)
        #expect(text.split(separator: "HTTP/1.1 200 OK").count == 4)
    }

    @Test func bodyOverTheLimitIsRefused() throws {
        let fake = try ServedFake()
        let tooLong = [UInt8](repeating: 32, count: (8 << 20) + 1)
        let announced = fake.post("/v1/completions", tooLong)
        #expect(announced.status == 413)
        #expect(announced.error["code"] as? String == "request_too_large")

        let chunked = fake.connect()
        chunked.send(
            "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                + "Transfer-Encoding: chunked\r\n\r\n\(String(tooLong.count, radix: 16))\r\n")
        chunked.send(tooLong)
        chunked.send("\r\n0\r\n\r\n")
        #expect(TestResponse(chunked.receiveAll()).status == 413)

        // Nothing of the body is sent: the length alone is enough.
        for (length, header) in [("9000000", "Expect: 100-continue\r\n"), ("99999999999999", "")] {
            let client = fake.connect()
            client.send(
                "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(length)\r\n"
                    + "\(header)\r\n")
            #expect(TestResponse(client.receiveAll()).status == 413)
        }
    }

    @Test func largestBodyIsRead() throws {
        let fake = try ServedFake(FakeGenerator.saying("a"))
        var body = Array(#"{"prompt":"a"}"#.utf8)
        body += [UInt8](repeating: 32, count: (8 << 20) - body.count)
        #expect(fake.post("/v1/completions", body).status == 200)
    }

    /// A server whose requests with prompts can't be read to their end before `gate` opens.
    private func gated() throws -> (fake: ServedFake, gate: DispatchSemaphore) {
        let gate = DispatchSemaphore(value: 0)
        let fake = try ServedFake(FakeGenerator.saying("a")) {
            gate.wait()
            gate.signal()
            return 42
        }
        return (fake, gate)
    }

    private static let longBody = wholeBody + [UInt8](repeating: 32, count: 100_000)

    /// More of them than the HTTP library has threads.
    @Test func longPromptsHoldUpNobody() throws {
        let (fake, gate) = try gated()
        var clients: [TestClient] = []
        for _ in 0..<8 {
            let client = fake.connect()
            clients.append(client)
            client.send("POST", "/v1/completions", body: Self.longBody)
            // A thread that were kept would not take the next connection.
            #expect(fake.get("/health").status == 200)
        }
        clients[0].close()
        gate.signal()
        for client in clients.dropFirst() {
            #expect(TestResponse(client.receiveAll()).status == 200)
        }
    }

    @Test func stoppingDoesNotWaitForALongPrompt() throws {
        let (fake, gate) = try gated()
        let client = fake.connect()
        client.send("POST", "/v1/completions", body: Self.longBody)
        let stopped = DispatchSemaphore(value: 0)
        DispatchQueue.global().async {
            fake.server.stop()
            stopped.signal()
        }
        #expect(stopped.wait(timeout: .now() + TestClient.patience) == .success)
        let response = TestResponse(client.receiveAll())
        // Nothing where the stop came before the whole request.
        #expect([0, 503].contains(response.status))
        gate.signal()
    }

    @Test func longBodiesAreRefusedLikeOthers() throws {
        let fake = try ServedFake()
        let junk = [UInt8](repeating: UInt8(ascii: "{"), count: 100_000)
        #expect(fake.post("/v1/completions", junk).status == 400)
    }

    @Test func bytesThatAreNotHTTPDoNoHarm() throws {
        let fake = try ServedFake(FakeGenerator.saying("a"))
        var generator = SplitMix(seed: 7)
        for round in 0..<60 {
            let client = fake.connect()
            if round.isMultiple(of: 3) { client.send("POST /v1/completions HTTP/1.1\r\n") }
            client.send(
                (0..<(1 << (round % 15))).map { _ in UInt8.random(in: 0...255, using: &generator) })
            client.close()
        }
        let long = fake.connect()
        long.send("GET /" + String(repeating: "a", count: 100_000) + " HTTP/1.1\r\n\r\n")
        #expect(TestResponse(long.receiveAll()).status >= 400)
        #expect(fake.post("/v1/completions", Self.wholeBody).status == 200)
    }
}

extension Collection where Element: Equatable {
    fileprivate func ends(with other: some BidirectionalCollection<Element>) -> Bool {
        Array(suffix(other.count)) == Array(other)
    }
}

/// A small seeded generator (Steele et al., "Fast splittable pseudorandom number generators").
private struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}
