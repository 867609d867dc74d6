// SPDX-License-Identifier: Apache-2.0

import API
import Testing

/// What browsers send for web pages that try to use a server on loopback.
struct WebPageTests {
    private func get(_ fake: ServedFake, _ path: String, host: String) -> TestResponse {
        let client = fake.connect()
        client.send("GET \(path) HTTP/1.1\r\nConnection: close\r\nHost: \(host)\r\n\r\n")
        return TestResponse(client.receiveAll())
    }

    private func complete(_ fake: ServedFake, origin: String) -> TestResponse {
        // As from a form: the browser sends it without asking first.
        fake.post(
            "/v1/completions", Array(#"{"prompt":"a"}"#.utf8),
            headers: ["Content-Type: text/plain", "Origin: \(origin)"])
    }

    private func drain(_ fake: ServedFake, headers: [String]) -> TestResponse {
        fake.post("/caravan/drain", Array(#"{"worker":"w1"}"#.utf8), headers: headers)
    }

    @Test(arguments: [
        "localhost", "LocalHost:8080", "127.0.0.1", "127.0.0.1:1", "127.9.8.7", "[::1]",
        "[::1]:8080", "localhost.", "localhost.:8080",
    ])
    func loopbackAnswersAtItsNames(host: String) throws {
        #expect(get(try ServedFake(), "/v1/models", host: host).status == 200)
    }

    @Test(arguments: [
        "evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example",
        "evil.localhost", "128.0.0.1", "127.0.0", "127.0.0.256", "127.0.0.+1", "0.0.0.0", "[::2]",
        "[::1].evil.example", "localhost:80@evil.example", "",
    ])
    func loopbackAnswersAtNoOtherName(host: String) throws {
        let fake = try ServedFake()
        let refused = get(fake, "/v1/models", host: host)
        #expect(refused.status == 403)
        #expect(refused.error["code"] as? String == "host_not_allowed")
        let message = refused.error["message"] as? String ?? ""
        #expect(message.contains("--api-key-file") && !message.contains("\n"))
        #expect(get(fake, "/health", host: host).status == 200)
    }

    @Test func everyRouteButTheHealthIsKeptFromPages() throws {
        let fake = try ServedFake()
        for path in ["/v1/models/tiny", "/caravan/status", "/metrics"] {
            #expect(get(fake, path, host: "evil.example").status == 403)
        }
        let client = fake.connect()
        let body = #"{"prompt":"a"}"#
        client.send(
            "POST /v1/completions HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n"
                + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
        #expect(TestResponse(client.receiveAll()).status == 403)
        #expect(fake.generator.requests.isEmpty)
    }

    /// HTTP/1.0 has none, and no browser leaves it out.
    @Test func nameMayBeLeftOut() throws {
        let fake = try ServedFake()
        let client = fake.connect()
        client.send("GET /v1/models HTTP/1.0\r\n\r\n")
        #expect(TestResponse(client.receiveAll()).status == 200)
    }

    @Test func keyOrAnOpenAddressAllowsAnyName() throws {
        let locked = try ServedFake(apiKey: "sesame")
        let key = "evil.example\r\nAuthorization: Bearer sesame"
        #expect(get(locked, "/v1/models", host: key).status == 200)
        #expect(get(locked, "/v1/models", host: "evil.example").status == 401)
        let open = try ServedFake(address: "0.0.0.0")
        #expect(get(open, "/v1/models", host: "box1:8080").status == 200)
    }

    @Test(arguments: [
        "http://evil.example", "https://evil.example:8080", "https://localhost.evil.example",
        "null", "HTTP://EVIL.example",
    ])
    func pagesFromElsewhereGetNoAnswer(origin: String) throws {
        let fake = try ServedFake(FakeGenerator.saying("a"))
        let refused = complete(fake, origin: origin)
        #expect(refused.status == 403)
        #expect(refused.error["code"] as? String == "origin_not_allowed")
        #expect((refused.error["message"] as? String)?.contains("--api-key-file") == true)
        #expect(fake.generator.requests.isEmpty)
    }

    @Test(arguments: [
        "http://localhost:3000", "http://127.0.0.1", "https://[::1]:5173",
        "chrome-extension://abcdef",
    ])
    func pagesOfThisMachineGetOne(origin: String) throws {
        let fake = try ServedFake(FakeGenerator.saying("a"))
        #expect(complete(fake, origin: origin).status == 200)
    }

    private func preflight(_ fake: ServedFake, _ path: String, origin: String) -> TestResponse {
        let client = fake.connect()
        client.send(
            "OPTIONS", path,
            headers: [
                "Origin: \(origin)", "Access-Control-Request-Method: POST",
                "Access-Control-Request-Headers: authorization,content-type,x-stainless-os",
            ])
        return TestResponse(client.receiveAll())
    }

    /// Of pages that may use the server: whole, streamed and refused.
    @Test(arguments: [nil, "sesame"]) func pagesMayReadTheirAnswers(apiKey: String?) throws {
        let fake = try ServedFake(FakeGenerator.saying("a"), apiKey: apiKey)
        let origin = apiKey == nil ? "http://localhost:3000" : "https://front.example"
        let key = apiKey.map { ["Authorization: Bearer \($0)"] } ?? []
        for (body, status) in [
            (#"{"prompt":"a"}"#, 200), (#"{"prompt":"a","stream":true}"#, 200), ("{}", 400),
        ] {
            let response = fake.post(
                "/v1/completions", Array(body.utf8), headers: key + ["Origin: \(origin)"])
            #expect(response.status == status)
            #expect(response.headers["access-control-allow-origin"] == origin)
            #expect(response.headers["vary"] == "Origin")
        }
    }

    /// The browser asks first, without the key.
    @Test(arguments: [nil, "sesame"]) func pagesMayAskFirst(apiKey: String?) throws {
        let fake = try ServedFake(apiKey: apiKey)
        let origin = apiKey == nil ? "http://localhost:3000" : "https://front.example"
        let answer = preflight(fake, "/v1/chat/completions", origin: origin)
        #expect(answer.status == 204)
        #expect(answer.headers["access-control-allow-origin"] == origin)
        #expect(answer.headers["access-control-allow-methods"] == "POST")
        #expect(
            answer.headers["access-control-allow-headers"]
                == "authorization,content-type,x-stainless-os")
        #expect(preflight(fake, "/caravan/drain", origin: origin).status == 403)
        #expect(preflight(fake, "/nowhere", origin: origin).status == 404)
    }

    @Test func othersAreNotToldThatTheyMay() throws {
        let loopback = try ServedFake()
        #expect(
            preflight(loopback, "/v1/completions", origin: "http://evil.example").status == 403)
        let open = try ServedFake(address: "0.0.0.0")
        let answer = preflight(open, "/v1/completions", origin: "http://evil.example")
        #expect(answer.headers["access-control-allow-origin"] == nil)
        #expect(answer.headers["access-control-allow-methods"] == nil)
        let client = open.connect()
        client.send("OPTIONS", "/v1/completions")
        #expect(TestResponse(client.receiveAll()).status == 405)
    }

    @Test(arguments: [nil, "sesame"]) func noPageDrainsAWorker(apiKey: String?) throws {
        let fake = try ServedFake(apiKey: apiKey)
        let key = apiKey.map { ["Authorization: Bearer \($0)"] } ?? []
        for type in [[], ["Content-Type: text/plain"], ["Content-Type: application/jsonp"]] {
            let refused = drain(fake, headers: key + type)
            #expect(refused.status == 415)
            #expect(refused.error["code"] as? String == "unsupported_media_type")
        }
        let json = ["Content-Type: Application/JSON; charset=utf-8"]
        for origin in ["http://evil.example", "http://localhost:\(fake.server.port)", "null"] {
            #expect(drain(fake, headers: key + json + ["Origin: \(origin)"]).status == 403)
        }
        #expect(drain(fake, headers: key + json).status == 202)
    }
}
