// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Platform
import TestSupport
import Testing

extension EndToEndTests {
    /// `caravan synth`, `bench` and `perplexity`.
    @Suite struct ToolTests {
        private func object(_ text: String) throws -> [String: Any] {
            try #require(
                try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        }

        @Test func synthWritesWhatRuns() throws {
            let directory = try TemporaryDirectory()
            let path = directory.file("model.gguf")
            let written = try Caravan.run(
                ["synth", "smollm2-135m", path, "--type", "q4_0", "--threads", "2"], in: directory)
            #expect(written.status == 0 && written.output.contains("model.gguf"), "\(written)")
            let inspected = try Caravan.run(["inspect", path, "--json"], in: directory)
            #expect(try object(inspected.output)["parameterCount"] as? Int == 134_515_008)
            let run = try Caravan.run(
                ["run", path, "-p", "the", "-n", "2", "--json", "--seed", "1"], in: directory)
            #expect(run.status == 0 && run.errors.isEmpty, "\(run)")

            let again = try Caravan.run(["synth", "smollm2-135m", path], in: directory)
            #expect(again.status == 1 && again.errors.contains("--force"), "\(again)")
            let forced = try Caravan.run(
                ["synth", "smollm2-135m", path, "--type", "q8_0", "--force"], in: directory)
            #expect(forced.status == 0, "\(forced)")
            let names = try FileManager.default.contentsOfDirectory(atPath: directory.path)
            #expect(!names.contains { $0.hasSuffix(".partial") })
        }

        /// Nor does `--force` change it: the new file would take the place of a device or a link.
        @Test(arguments: [[], ["--force"]])
        func synthReplacesFilesAlone(options: [String]) throws {
            let directory = try TemporaryDirectory()
            let file = try directory.write([1], to: "file.gguf")
            #expect(mkfifo(directory.file("pipe.gguf"), 0o600) == 0)
            #expect(symlink(file, directory.file("link.gguf")) == 0)
            #expect(symlink("nothing.gguf", directory.file("dangling.gguf")) == 0)
            #expect(mkdir(directory.file("directory.gguf"), 0o700) == 0)
            for name in ["pipe", "link", "dangling", "directory"] {
                let path = directory.file("\(name).gguf")
                let kind = FileSystem.kind(path)
                let result = try Caravan.run(
                    ["synth", "smollm2-135m", path] + options, in: directory)
                #expect(result.status == 1 && result.errors.contains(path), "\(result)")
                #expect(!result.errors.contains("--force"), "\(result)")
                #expect(result.errors.split(separator: "\n").count == 1, "\(result)")
                #expect(FileSystem.kind(path) == kind)
            }
            #expect(FileManager.default.contents(atPath: file) == Data([1]))
            #expect(FileSystem.kind(directory.file("nothing.gguf")) == nil)
        }

        /// A limit on the size of files stands in for a full disk: both refuse to take more.
        @Test func synthWithoutRoomLeavesNothing() throws {
            let directory = try TemporaryDirectory()
            let path = directory.file("model.gguf")
            let script = "trap '' XFSZ; ulimit -f 20000; exec \"$0\" synth smollm2-135m \"$1\""
            let process = try RunningProcess(
                "/bin/sh", ["-c", script, Caravan.path(), path], in: directory)
            #expect(try process.waitForExit() == 1)
            #expect(process.errorLines.count == 1, "\(process.errors)")
            #expect(process.errors.contains("model.gguf") && process.errors.contains("space"))
            let names = try FileManager.default.contentsOfDirectory(atPath: directory.path)
            #expect(!names.contains { $0.hasPrefix("model.gguf") }, "\(names)")
        }

        /// Of a model that takes longer than the signal does.
        @Test func synthInterruptedLeavesNothing() throws {
            let directory = try TemporaryDirectory()
            let process = try Caravan.start(
                ["synth", "llama-3.2-1b", directory.file("model.gguf"), "--threads", "1"],
                in: directory)
            func found() throws -> [String] {
                try FileManager.default.contentsOfDirectory(atPath: directory.path)
                    .filter { $0.hasPrefix("model.gguf") }
            }
            let hasBegun = try Deadline.wait { try !found().isEmpty || !process.isRunning }
            #expect(hasBegun && process.isRunning, "\(process.errors)")
            process.signal(SIGINT)
            #expect(try process.waitForExit(.seconds(10)) == 128 + SIGINT, "\(process.errors)")
            #expect(try found() == [])
        }

        @Test(arguments: [[], ["--local", "2"]])
        func benchMeasures(placement: [String]) throws {
            let result = try Caravan.run(
                [
                    "bench", TestModel.path, "--prompt", "32", "--generate", "4", "--streams",
                    "1,3", "--depth", "0,40", "--repeat", "2", "--threads", "1", "--json",
                ] + placement, in: TemporaryDirectory())
            #expect(result.status == 0, "\(result)")
            let report = try object(result.output)
            let prefill = try #require(report["prefill"] as? [String: Any])
            #expect(prefill["tokens"] as? Int == 32)
            #expect(try #require(prefill["tokensPerSecond"] as? Double) > 0)
            let decode = try #require(report["decode"] as? [[String: Any]])
            #expect(decode.map { $0["streams"] as? Int } == [1, 3, 1, 3])
            #expect(decode.map { $0["depth"] as? Int } == [0, 0, 40, 40])
            for line in decode {
                #expect(try #require(line["tokensPerSecond"] as? Double) > 0)
                #expect(try #require(line["weightGigabytesPerSecond"] as? Double) > 0)
                let streams = Double(try #require(line["streams"] as? Int))
                let rows = try #require(line["rowsPerStep"] as? Double)
                #expect((1...streams).contains(rows), "\(line)")
            }
            #expect(try #require(report["readGigabytesPerSecond"] as? Double) > 0)
            #expect(try #require(report["residentBytes"] as? Int) > 90_000_000)
            #expect(try #require(report["loadSeconds"] as? Double) > 0)
            if placement.isEmpty {
                // The file's pages go as the packed ones come: at no moment are both there.
                let weights = try #require(report["weightBytes"] as? Int)
                let peak = try #require(report["peakResidentBytes"] as? Int)
                let cache = 64 << 10  // bytes a position, generously
                #expect(peak < weights * 105 / 100 + 4 * 64 * cache + 64 << 20, "\(peak)")
            }
        }

        @Test func benchForPeople() throws {
            let result = try Caravan.run(
                [
                    "bench", TestModel.path, "--prompt", "8", "--generate", "2", "--streams", "2",
                    "--repeat", "1",
                ], in: TemporaryDirectory())
            #expect(result.status == 0 && result.output.contains("prefill 8"), "\(result)")
            #expect(result.output.contains("decode, 2 streams"), "\(result)")
        }

        /// llama.cpp's figure for this text, model and window, from its own logits: 18.354.
        @Test func perplexityIsThatOfLlamaCpp() throws {
            let text = "/usr/share/common-licenses/GPL-3"
            let result = try Caravan.run(
                ["perplexity", TestModel.path, text, "--json"], in: TemporaryDirectory())
            #expect(result.status == 0 && result.errors.isEmpty, "\(result)")
            let report = try object(result.output)
            let found = try #require(report["perplexity"] as? Double)
            #expect(abs(found / 18.354_068 - 1) < 0.003, "\(found)")
            #expect(report["scoredTokens"] as? Int == 3570 && report["windows"] as? Int == 14)
        }

        @Test func textsThatAreTooShort() throws {
            let directory = try TemporaryDirectory()
            let path = try directory.write(Array("A few words.".utf8), to: "words.txt")
            let result = try Caravan.run(["perplexity", TestModel.path, path], in: directory)
            #expect(result.status == 1 && result.errors.contains("words.txt"), "\(result)")
            let missing = try Caravan.run(
                ["perplexity", TestModel.path, directory.file("none")], in: directory)
            #expect(missing.status == 1 && missing.errors.contains("none"), "\(missing)")
        }
    }
}
