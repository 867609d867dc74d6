// SPDX-License-Identifier: Apache-2.0

import Cluster
import Glibc
import Model
import TestSupport
import Testing

struct LoadedModelTests {
    /// The error knows a key; where it is, one who has several files wants to know.
    @Test func errorNamesTheFile() throws {
        let directory = try TemporaryDirectory()
        var builder = GGUFBuilder.tinyLlama()
        builder.set("tokenizer.ggml.model", .string("other"))
        let path = try directory.write(builder.bytes(), to: "wrong.gguf")
        let error = #expect(throws: LoadedModelError.self) {
            try LoadedModel(path: path, contextLength: 64)
        }
        let line = try #require(error).description
        #expect(line.hasPrefix("\(path): ") && !line.contains("\n"), "\(line)")
    }

    /// Whoever copies another model over the file must not reach into what is said.
    @Test func aLoadedStageNeedsItsFileNoMore() throws {
        let file = try TestModelFile()
        let coordinator = try Coordinator.inProcess(file.model)
        let expected = try coordinator.generate(.test())
        #expect(truncate(file.path, 0) == 0)
        #expect(try coordinator.generate(.test()) == expected)
        coordinator.stop()
    }
}
