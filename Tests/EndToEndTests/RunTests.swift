// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

extension EndToEndTests {
    /// `caravan run`: the same tokens however the model is split.
    @Suite struct RunTests {
        struct Report: Decodable, Equatable {
            var promptTokens: [Int]
            var tokens: [Int]
            var text: String
            var finishReason: String
            var prefillTokensPerSecond: Double
            var decodeTokensPerSecond: Double
        }

        static let greedy = ["--temperature", "0"]
        static let seeded = [
            "--temperature", "0.9", "--top-k", "40", "--top-p", "0.95", "--min-p", "0.02",
            "--seed", "7",
        ]

        private func report(
            _ options: [String], prompt: String = "The capital of France is"
        ) throws -> Report {
            let directory = try TemporaryDirectory()
            let result = try Caravan.run(
                ["run", TestModel.path, "-p", prompt, "-n", "32", "--json"] + options,
                in: directory)
            try #require(result.status == 0, "\(result.errors)")
            #expect(result.errors.isEmpty, "\(result.errors)")
            #expect(ProcessTable.living(directory).isEmpty)
            return try JSONDecoder().decode(Report.self, from: Data(result.output.utf8))
        }

        @Test func reportsWhatItDid() throws {
            let report = try report(Self.greedy)
            // Prompt and first tokens as llama.cpp has them, where its choice is clear.
            #expect(report.promptTokens == [504, 3575, 282, 4649, 314])
            #expect(report.tokens.prefix(2) == [7042, 30])
            #expect(report.text.hasPrefix(" Paris."))
            #expect(report.tokens.count <= 32 && ["length", "stop"].contains(report.finishReason))
            #expect((report.finishReason == "length") == (report.tokens.count == 32))
            #expect(report.prefillTokensPerSecond > 0 && report.decodeTokensPerSecond > 0)
        }

        @Test(arguments: [greedy, seeded])
        func anySplitGivesTheSameTokens(sampling: [String]) throws {
            let alone = try report(sampling)
            for count in [1, 2, 3, 5] {
                let split = try report(sampling + ["--local", "\(count)", "--threads", "1"])
                #expect(split.tokens == alone.tokens, "--local \(count)")
                #expect(split.text == alone.text && split.promptTokens == alone.promptTokens)
            }
        }

        /// Local workers read the model file itself, so nothing has to be kept.
        @Test func noCacheIsNeeded() throws {
            let directory = try TemporaryDirectory()
            let cache = try directory.write([], to: "file") + "/blobs"
            let split = try report(
                Self.greedy + ["--local", "2", "--threads", "1", "--cache", cache])
            let alone = try report(Self.greedy)
            #expect(split.tokens == alone.tokens)
            withExtendedLifetime(directory) {}
        }

        @Test func seedsDiffer() throws {
            let other = Self.seeded.dropLast() + ["8"]
            #expect(try report(Self.seeded).tokens != report(Array(other)).tokens)
        }

        @Test func chatUsesTheTemplate() throws {
            let report = try report(Self.greedy + ["--chat"], prompt: "Say hello.")
            // <|im_start|> begins each message; the answer ends by itself.
            #expect(report.promptTokens.first == 1)
            #expect(!report.text.contains("<|im_end|>"))
        }
    }
}
