// SPDX-License-Identifier: Apache-2.0

import Testing
import Wire

@Suite struct VectorTests {
    @Test(arguments: VectorCatalog.good)
    func goodVector(_ vector: GoodVector) throws {
        let description = describe(vector.frame).text() + "\n"
        if VectorFile.isWriting {
            let text = VectorFile.text(of: vector.frame.encoded(), comments: [vector.note])
            try VectorFile.write(text, to: vector.name + ".hex")
            try VectorFile.write(description, to: vector.name + ".json")
        }
        let hex = try VectorFile.text(vector.name + ".hex")
        let bytes = try #require(VectorFile.bytes(ofText: hex))
        let frame = try decode(bytes)

        #expect(try VectorFile.text(vector.name + ".json") == describe(frame).text() + "\n")
        #expect(describe(frame).text() + "\n" == description)
        #expect(frame.encoded() == bytes)
        #expect(vector.frame.encoded() == bytes)
    }

    @Test(arguments: BadVectorCatalog.all)
    func badVector(_ vector: BadVector) throws {
        let name = "bad/\(vector.name).hex"
        if VectorFile.isWriting {
            let comments = ["reason: \(vector.reason)"]
            try VectorFile.write(VectorFile.text(of: vector.bytes, comments: comments), to: name)
        }
        let text = try VectorFile.text(name)
        let bytes = try #require(VectorFile.bytes(ofText: text))
        #expect(text.hasPrefix("# reason: \(vector.reason)\n"))
        #expect(bytes == vector.bytes)
        let error = #expect(throws: WireError.self) { try decode(bytes) }
        #expect(error.map(reason(of:)) == vector.reason)
    }

    @Test func everyFileIsInACatalogue() throws {
        let good = VectorCatalog.good.flatMap { [$0.name + ".hex", $0.name + ".json"] }
        #expect(try VectorFile.names(in: "") == Set(good + ["bad"]))
        #expect(
            try VectorFile.names(in: "bad") == Set(BadVectorCatalog.all.map { $0.name + ".hex" }))
        #expect(good.count == Set(good).count)
        #expect(BadVectorCatalog.all.count == Set(BadVectorCatalog.all.map(\.name)).count)
    }

    @Test func everyKindHasAVector() {
        #expect(
            Set(VectorCatalog.good.map(\.frame.message.kind)) == Set(MessageKind.allCases))
    }
}
