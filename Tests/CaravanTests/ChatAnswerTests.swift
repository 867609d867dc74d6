// SPDX-License-Identifier: Apache-2.0

import Testing
import caravan

struct ChatAnswerTests {
    private static let url = "http://box:8080"

    private func answer(status: Int = 200, retryAfterSeconds: Int? = nil) throws -> ChatAnswer {
        try ChatAnswer(from: Self.url, status: status, retryAfterSeconds: retryAfterSeconds)
    }

    private func error(_ message: String, code: String) -> String {
        #"{"error": {"message": "\#(message)", "type": "t", "param": null, "code": "\#(code)"}}"#
    }

    private func refusal(status: Int, _ body: String, seconds: Int? = nil) throws -> ChatError? {
        var answer = try answer(status: status, retryAfterSeconds: seconds)
        #expect(try answer.take(Array(body.utf8.prefix(7))).isEmpty)
        #expect(try answer.take(Array(body.utf8.dropFirst(7))).isEmpty)
        return #expect(throws: ChatError.self) { try answer.end() }
    }

    @Test func aWrongKeyIsSaidAtOnce() {
        #expect(throws: ChatError.wrongKey(Self.url)) { try answer(status: 401) }
        #expect("\(ChatError.wrongKey(Self.url))".contains("--api-key-file"))
    }

    @Test func refusalsSayWhatToDo() throws {
        let full = try refusal(
            status: 400, error("the prompt has 9 tokens", code: "context_length_exceeded"))
        #expect(
            full?.description
                == "the conversation and its answer do not fit, /new begins another and a lower -n "
                + "allows longer ones: the prompt has 9 tokens")
        let queue = try refusal(
            status: 429, error("9 are waiting; retry in 3 s", code: "queue_full"), seconds: 3)
        #expect(queue?.description == "\(Self.url): 9 are waiting; retry in 3 s")
        let busy = try refusal(status: 503, error("not ready", code: "not_ready"), seconds: 5)
        #expect(busy?.description == "\(Self.url): not ready; retry in 5 s")
    }

    @Test(arguments: ["", "<html>", "{}", #"{"error": "no"}"#, #"{"error": {}}"#])
    func whatIsNoRefusalIsNoCoordinators(body: String) throws {
        #expect(try refusal(status: 404, body) == .notACoordinator(Self.url))
    }

    @Test func aLongRefusalIsNotKept() throws {
        let long = String(repeating: "x", count: ChatAnswer.refusalBytesMax)
        #expect(
            try refusal(status: 500, error(long, code: "c")) == .notACoordinator(Self.url))
    }

    @Test(arguments: [
        "data: [1]\n\n", "data: {}\n\n", "data: {\"choices\": 1}\n\n", "data: [DONE\n\n",
    ])
    func eventsThatAreNoChunks(text: String) throws {
        var answer = try answer()
        let thrown = #expect(throws: ChatError.self) { try answer.take(Array(text.utf8)) }
        #expect(thrown?.description.contains("can't be read") == true)
    }

    @Test func aStreamThatBreaksOff() throws {
        var answer = try answer()
        #expect(throws: ChatError.notACoordinator(Self.url)) { try answer.end() }
        let chunk = #"data: {"choices": [{"delta": {"content": "a"}}]}"# + "\n\n"
        #expect(try answer.take(Array(chunk.utf8)) == [.text("a")])
        let thrown = #expect(throws: ChatError.self) { try answer.end() }
        #expect(thrown?.description.contains("broke off") == true)
        let lost = "data: \(error("worker b is gone; retry", code: "worker_lost"))\n\n"
        let refused = #expect(throws: ChatError.self) { try answer.take(Array(lost.utf8)) }
        #expect(refused?.description == "\(Self.url): worker b is gone; retry")
    }

    @Test func piecesComeAsTheyAreCompleted() throws {
        let text = #"""
            data: {"id": "1", "choices": [{"delta": {"role": "assistant", "content": ""}}]}

            : waiting

            data: {"choices": [{"delta": {"content": "Hel\u006co"}, "finish_reason": null}]}

            data: {"choices": [{"delta": {"content": " ü\n"}}], "usage": null}

            data: {"choices": [{"delta": {}, "finish_reason": "length"}]}

            data: {"choices": [], "usage": {"total_tokens": 3}}

            data: [DONE]

            data: after the end
            """# + "\n\n"
        var answer = try answer()
        var pieces: [ChatAnswer.Piece] = []
        for byte in text.utf8 { pieces += try answer.take([byte]) }
        #expect(
            pieces == [.waiting, .text("Hello"), .text(" ü\n"), .finished(reason: "length")])
        #expect(answer.text == "Hello ü\n" && answer.isFinished)
        try answer.end()
    }
}
