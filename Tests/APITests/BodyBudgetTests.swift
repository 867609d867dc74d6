// SPDX-License-Identifier: Apache-2.0

import API
import Dispatch
import Glibc
import Testing

/// The bytes of all bodies together are bounded, and those of a request are counted until it ends.
struct BodyBudgetTests {
    private static let path = "/v1/completions"

    private func served() throws -> ServedFake {
        try ServedFake(FakeGenerator.saying("a"), heldBodyBytesMax: 100_000)
    }

    private static func body(_ byteCount: Int) -> [UInt8] {
        let json = Array(#"{"prompt":"a"}"#.utf8)
        return json + [UInt8](repeating: 32, count: byteCount - json.count)
    }

    /// Sends the head of a body of 90,000 bytes and the first 80,000 of them, which the server then
    /// holds.
    private func begin(_ fake: ServedFake) -> TestClient {
        let client = fake.connect()
        client.send(
            "POST \(Self.path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                + "Content-Length: 90000\r\n\r\n")
        client.send(Array(Self.body(90_000).prefix(80_000)))
        #expect(holds(80_000, fake))
        return client
    }

    /// Whether the server comes to hold so many bytes, as long as patience lasts.
    private func holds(_ byteCount: Int, _ fake: ServedFake) -> Bool {
        let deadline = DispatchTime.now() + TestClient.patience
        while fake.server.heldBodyByteCount != byteCount, DispatchTime.now() < deadline {
            sched_yield()
        }
        return fake.server.heldBodyByteCount == byteCount
    }

    @Test func bodyOverTheBudgetIsToComeBack() throws {
        let fake = try served()
        for _ in 0..<3 {
            let refused = fake.post(Self.path, Self.body(150_000))
            #expect(refused.status == 429)
            #expect(refused.headers["retry-after"] == "5")
            #expect(refused.error["code"] as? String == "queue_full")
            #expect(refused.error["type"] as? String == "rate_limit_error")
        }
        #expect(fake.generator.requests.isEmpty)
        #expect(fake.post(Self.path, Self.body(100_000)).status == 200)
    }

    /// Read at once, on the thread of long prompts, or in vain.
    @Test func requestsThatEndGiveTheirBytesBack() throws {
        let fake = try served()
        let junk = [UInt8](repeating: UInt8(ascii: "{"), count: 90_000)
        for _ in 0..<4 {
            #expect(fake.post(Self.path, Self.body(60_000)).status == 200)
            #expect(fake.post(Self.path, Self.body(90_000)).status == 200)
            #expect(fake.post(Self.path, junk).status == 400)
        }
        #expect(fake.post(Self.path, Self.body(100_000)).status == 200)
    }

    @Test func requestsThatComeShareTheBudget() throws {
        let fake = try served()
        let first = begin(fake)
        #expect(fake.post(Self.path, Self.body(50_000)).status == 429)
        first.send(Array(Self.body(90_000).suffix(10_000)))
        #expect(TestResponse(first.receiveAll()).status == 200)
        #expect(holds(0, fake))
        #expect(fake.post(Self.path, Self.body(50_000)).status == 200)
    }

    @Test func clientsThatLeaveGiveTheirBytesBack() throws {
        let fake = try served()
        for _ in 0..<3 {
            let client = begin(fake)
            #expect(fake.post(Self.path, Self.body(50_000)).status == 429)
            client.close()
            #expect(holds(0, fake))
        }
    }
}
