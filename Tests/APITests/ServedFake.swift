// SPDX-License-Identifier: Apache-2.0

import API
import Control

/// A server on a free port with a fake generator behind it.
struct ServedFake {
    let generator: FakeGenerator
    let server: HTTPServer

    init(
        _ script: FakeGenerator.Script = FakeGenerator.Script(), hasTemplate: Bool = true,
        apiKey: String? = nil, modelName: String? = nil,
        sampling: SamplingSettings = SamplingSettings(), address: String = "127.0.0.1",
        heldBodyBytesMax: Int = HTTPLimits.heldBodyBytesMax,
        randomWord: @escaping @Sendable () -> UInt64 = { 42 }
    ) throws {
        generator = try FakeGenerator(script, hasTemplate: hasTemplate)
        server = try HTTPServer(
            address: address, port: 0, generator: generator, apiKey: apiKey,
            modelName: modelName, sampling: sampling, heldBodyBytesMax: heldBodyBytesMax,
            randomWord: randomWord, now: { 1_800_000_000 })
    }

    func connect() -> TestClient { TestClient(port: server.port) }

    func get(_ path: String, headers: [String] = []) -> TestResponse {
        let client = connect()
        client.send("GET", path, headers: headers)
        return TestResponse(client.receiveAll())
    }

    func post(_ path: String, _ body: [UInt8], headers: [String] = []) -> TestResponse {
        let client = connect()
        client.send("POST", path, body: body, headers: headers)
        return TestResponse(client.receiveAll())
    }

    func chat(_ body: String) -> TestResponse { post("/v1/chat/completions", Array(body.utf8)) }

    func complete(_ body: String) -> TestResponse { post("/v1/completions", Array(body.utf8)) }

    /// A chat request with one message and `fields` besides, such as `"top_k": 5`.
    func chat(with fields: String) -> TestResponse {
        chat(#"{"messages":[{"role":"user","content":"abc"}],\#(fields)}"#)
    }
}
