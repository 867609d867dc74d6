// SPDX-License-Identifier: Apache-2.0

import Cluster
import Testing

struct RouteTests {
    @Test func modelsAreListed() throws {
        let fake = try ServedFake()
        fake.generator.setStatus(ClusterStatus(model: "tiny", contextLength: 2048, layerCount: 3))
        let entry =
            #"{"created":1700000000,"id":"tiny","max_model_len":2048,"object":"model","#
            + #""owned_by":"caravan"}"#
        #expect(fake.get("/v1/models").text == #"{"data":[\#(entry)],"object":"list"}"#)
        #expect(fake.get("/v1/models/tiny").text == entry)
        let unknown = fake.get("/v1/models/huge")
        #expect(unknown.status == 404)
        #expect(unknown.error["code"] as? String == "model_not_found")
    }

    @Test func modelMayHaveAnotherNameThanItsFile() throws {
        let fake = try ServedFake(FakeGenerator.saying("a"), modelName: "org/large")
        let data = value(fake.get("/v1/models").json, "data", 0, "id") as? String
        #expect(data == "org/large")
        #expect(fake.get("/v1/models/org/large").json["id"] as? String == "org/large")
        #expect(fake.get("/v1/models/tiny").json["id"] as? String == "org/large")
        for name in ["org/large", "tiny", ""] {
            let response = fake.chat(with: #""model":"\#(name)""#)
            #expect(response.status == 200)
            #expect(response.json["model"] as? String == "org/large")
        }
        let unknown = fake.chat(with: #""model":"org/huge""#)
        #expect(unknown.status == 404)
        #expect((unknown.error["message"] as? String)?.hasSuffix("has 'org/large'") == true)
    }

    @Test func healthFollowsTheCluster() throws {
        let fake = try ServedFake()
        #expect(fake.get("/health").text == #"{"status":"ok"}"#)
        fake.generator.setState("loading")
        let response = fake.get("/health")
        #expect(response.status == 503)
        #expect(response.text == #"{"reason":"waiting for 2 workers","status":"loading"}"#)
        #expect(response.headers["retry-after"] == "5")
    }

    @Test func statusIsTheClustersOwn() throws {
        let fake = try ServedFake()
        let status = fake.get("/caravan/status").json
        #expect(status["model"] as? String == "tiny")
        #expect(status["layerCount"] as? Int == 3)
    }

    @Test func workersAreDrained() throws {
        let fake = try ServedFake(FakeGenerator.saying("a"), apiKey: "sesame")
        let key = ["Authorization: Bearer sesame", "Content-Type: application/json"]
        func post(_ body: String, headers: [String]? = nil) -> TestResponse {
            fake.post("/caravan/drain", Array(body.utf8), headers: headers ?? key)
        }
        #expect(post(#"{"worker":"w1"}"#, headers: []).status == 401)
        #expect(fake.get("/caravan/drain", headers: key).status == 405)
        for body in ["", "[]", "{}", #"{"worker":1}"#, #"{"worker":null}"#] {
            #expect(post(body).status == 400)
        }
        let unknown = post(#"{"worker":"w2"}"#)
        #expect(unknown.status == 404)
        #expect(unknown.error["message"] as? String == "there is no worker w2; there are w1")
        let begun = post(#"{"worker":"w1"}"#)
        #expect(begun.status == 202)
        #expect(begun.text == #"{"state":"draining","worker":"w1"}"#)
        let again = post(#"{"worker":"w1"}"#)
        #expect(again.status == 409)
        #expect(again.error["code"] as? String == "draining_already")
    }

    @Test func metricsAreInPrometheusFormat() throws {
        let response = try ServedFake().get("/metrics")
        #expect(response.status == 200)
        #expect(response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
        let lines = response.text.split(separator: "\n")
        #expect(lines.contains("caravan_ready 1"))
        #expect(lines.contains("# TYPE caravan_generated_tokens_total counter"))
        #expect(lines.contains("caravan_inter_token_seconds_count 0"))
    }

    @Test(arguments: ["/", "/v1", "/v1/models/", "/v1/embeddings", "/%00", "/%ff", "/health/x"])
    func unknownRoutes(path: String) throws {
        let response = try ServedFake().get(path)
        #expect(response.status == 404)
        #expect(response.error["type"] as? String == "invalid_request_error")
    }

    @Test(arguments: [
        ("/v1/responses", "use POST /v1/chat/completions"),
        ("/chat/completions", "the base URL ends in /v1"),
        ("/completions", "the base URL ends in /v1"), ("/v1/nothing", "see GET /v1/models"),
    ])
    func unknownRoutesSayWhatWasMeant(path: String, advice: String) throws {
        let response = try ServedFake().post(path, Array("{}".utf8))
        #expect(response.status == 404)
        #expect(response.error["message"] as? String == "there is no POST \(path); \(advice)")
    }

    /// As proxies are asked; the name in the target counts, not that of the header.
    @Test func targetsMayBeAbsolute() throws {
        let fake = try ServedFake(FakeGenerator.saying("a"))
        #expect(fake.get("http://localhost:8080/v1/models/tiny").status == 200)
        #expect(fake.get("HTTPS://127.0.0.1/v1/models?a=http://b/c").status == 200)
        let body = Array(#"{"prompt":"a"}"#.utf8)
        #expect(fake.post("http://[::1]/v1/completions", body).status == 200)
        #expect(fake.get("http://evil.example/v1/models").status == 403)
        for target in ["http://localhost", "http://localhost/", "ftp://localhost/v1/models"] {
            #expect(fake.get(target).status == 404)
        }
    }

    @Test func wrongMethodsNameTheRightOnes() throws {
        let fake = try ServedFake()
        let got = fake.get("/v1/chat/completions")
        #expect(got.status == 405)
        #expect(got.headers["allow"] == "POST")
        let posted = fake.post("/v1/models", Array("{}".utf8))
        #expect(posted.status == 405)
        #expect(posted.headers["allow"] == "GET, HEAD")
    }

    @Test func headHasNoBody() throws {
        let fake = try ServedFake()
        let client = fake.connect()
        client.send("HEAD", "/health")
        let response = TestResponse(client.receiveAll())
        #expect(response.status == 200)
        #expect(response.body.isEmpty)
    }

    @Test func keyIsAskedForEverywhereButForTheHealth() throws {
        let fake = try ServedFake(FakeGenerator.saying("a"), apiKey: "sesame")
        for headers in [[], ["Authorization: Bearer sesamE"], ["Authorization: sesame"]] {
            let response = fake.get("/v1/models", headers: headers)
            #expect(response.status == 401)
            #expect(response.error["code"] as? String == "invalid_api_key")
        }
        let key = ["Authorization: Bearer sesame"]
        for headers in [key, ["Authorization: bearer sesame"], ["authorization: BEARER sesame"]] {
            #expect(fake.get("/v1/models", headers: headers).status == 200)
        }
        let upper = ["Authorization: Bearer SESAME"]
        #expect(fake.get("/v1/models", headers: upper).status == 401)
        #expect(fake.get("/health").status == 200)
        let body = Array(#"{"prompt":"a"}"#.utf8)
        #expect(fake.post("/v1/completions", body).status == 401)
        #expect(fake.post("/v1/completions", body, headers: key).status == 200)
    }
}
