// SPDX-License-Identifier: Apache-2.0

/// A whole answer: status, headers and body.
struct HTTPReply: Equatable {
    var status: Int
    var headers: [HTTPHeader]
    var body: [UInt8]

    init(status: Int, headers: [HTTPHeader], body: [UInt8]) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    init(status: Int = 200, json value: some Encodable) {
        self.status = status
        headers = [HTTPHeader("Content-Type", "application/json")]
        body = JSONBody.encode(value)
    }

    /// A text as it is.
    init(text: String, contentType: String) {
        status = 200
        headers = [HTTPHeader("Content-Type", contentType)]
        body = Array(text.utf8)
    }

    init(_ error: APIError) {
        self.init(status: error.status, json: error)
        if let seconds = error.retryAfterSeconds {
            headers.append(HTTPHeader("Retry-After", String(seconds)))
        }
        if !error.allowedMethods.isEmpty {
            headers.append(HTTPHeader("Allow", error.allowedMethods.joined(separator: ", ")))
        }
        if error.status == 401 { headers.append(HTTPHeader("WWW-Authenticate", "Bearer")) }
    }
}

struct HTTPHeader: Equatable {
    var name: String
    var value: String

    init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}
