// SPDX-License-Identifier: Apache-2.0

import Testing

extension EndToEndTests {
    /// `scripts/soak` in small.
    @Suite struct SoakTests {
        private static let path = "/v1/chat/completions"
        private static let waveCount = 5
        private static let streamCount = 12

        @Test func thoseWhoLeaveLeaveNothingBehindAndChangeNobodysAnswer() throws {
            let cluster = try TestCluster(
                workerCount: 2, serving: ["--context", "2048", "--slots", "8"])
            let bodies = Self.bodies(cluster)
            let alone = try bodies.map { try answer(cluster.http.stream(Self.path, $0)) }
            #expect(Set(alone).count == alone.count)
            for wave in 0..<Self.waveCount {
                let streams = try (0..<Self.streamCount).map { number in
                    let index = (wave * 7 + number) % bodies.count
                    return (index, try cluster.http.stream(Self.path, bodies[index]))
                }
                for (number, (_, stream)) in streams.enumerated() where number % 3 == 0 {
                    // Some leave while they wait, some after words.
                    if number % 2 == 1 { _ = Deadline.wait { stream.output.contains("content") } }
                    stream.kill()
                }
                for (number, (index, stream)) in streams.enumerated() where number % 3 != 0 {
                    #expect(try answer(stream) == alone[index], "wave \(wave), stream \(number)")
                }
            }
            // That a client is gone is seen a moment later.
            let isQuiet = try Deadline.wait {
                let status = try cluster.status()
                return status.slotsInUse == 0 && status.waiting == 0
                    && status.pagesInUse == status.pagesKept
            }
            #expect(isQuiet, "\(cluster.log)")
            try cluster.stop()
        }

        private static func bodies(_ cluster: TestCluster) -> [String] {
            let long = String(repeating: "Once upon a time there was a caravan. ", count: 20)
            let texts = ["Hello", "What is the capital of France?", long, long + "And then?"]
            return texts.enumerated().flatMap { index, text in
                [
                    cluster.chat(text, tokens: 12 + 30 * index, stream: true),
                    cluster.chat(text, tokens: 80 - 20 * index, stream: true, seed: index + 1),
                ]
            }
        }

        private func answer(_ stream: RunningProcess) throws -> String {
            #expect(try stream.waitForExit() == 0, "\(stream.errors)")
            let events = EventStream(text: stream.output)
            #expect(events.isComplete && !events.hasError)
            return try events.content()
        }
    }
}
