// SPDX-License-Identifier: Apache-2.0

import Cluster
import Control
import Testing

/// Tokens that are guessed from a sequence's own text.
@Suite(.serialized)
struct GuessTests {
    private let file: TestModelFile

    init() throws { file = try TestModelFile() }

    private func cluster(guessCountMax: Int) throws -> TestCluster {
        let cluster = try TestCluster(
            file.model, workerCount: 2, contextLength: 400, guessCountMax: guessCountMax)
        #expect(cluster.awaitReady(stageCount: 2))
        return cluster
    }

    /// A prompt that says the same several times; drawn cold, the answer goes on like it.
    private func request(
        period: UInt32, temperature: Double, stop: [String] = []
    ) -> GenerationRequest {
        var settings = SamplingSettings()
        settings.temperature = temperature
        settings.seed = UInt64(period)
        return GenerationRequest(
            prompt: (0..<96).map { $0 % period * 11 + 5 }, sampling: settings, tokenCountMax: 150,
            stop: stop, topLogProbabilities: 5, ignoresEnd: true)
    }

    /// To the last bit of their log-probabilities, greedy and drawn, alone and together.
    @Test func guessesChangeNothingButSteps() throws {
        let plain = try cluster(guessCountMax: 0)
        let guessing = try cluster(guessCountMax: 7)
        let requests = [(3, 0), (7, 0), (4, 0.1), (5, 0.9)].map {
            request(period: $0, temperature: $1)
        }
        let expected = try requests.map { try plain.coordinator.generate($0) }
        #expect(expected.allSatisfy { $0.ids.count == 150 })
        #expect(try requests.map { try guessing.coordinator.generate($0) } == expected)
        let together = try requests.map { try TestRequest(guessing.coordinator, $0) }
        #expect(together.map { $0.finish() } == expected)
        #expect(plain.coordinator.status().guesses == 0)
        let status = guessing.coordinator.status()
        #expect(status.rightGuesses > 20 && status.guesses > status.rightGuesses)
        #expect(status.slotsInUse == 0 && status.pagesInUse == status.pagesKept)
        plain.stop()
        guessing.stop()
    }

    /// A stop text that one step reaches and goes beyond ends the answer where it stands.
    @Test func nothingFollowsAStopText() throws {
        let plain = try cluster(guessCountMax: 0)
        let guessing = try cluster(guessCountMax: 7)
        let text = try plain.coordinator.generate(request(period: 3, temperature: 0)).text
        for offset in 30..<50 {
            let start = text.index(text.startIndex, offsetBy: offset)
            let stop = String(text[start...].prefix(3))
            let asked = request(period: 3, temperature: 0, stop: [stop])
            let expected = try plain.coordinator.generate(asked)
            #expect(expected.reason == .stop)
            #expect(try guessing.coordinator.generate(asked) == expected, "\(stop)")
        }
        #expect(guessing.coordinator.status().rightGuesses > 0)
        plain.stop()
        guessing.stop()
    }
}
