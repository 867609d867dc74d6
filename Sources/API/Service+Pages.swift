// SPDX-License-Identifier: Apache-2.0

/// Keeps web pages from using the server through the browser of who looks at them.
///
/// A browser sends what a page asks for to any server, without asking that one first where the
/// request is as simple as a form's. And a page's name may be made to stand for 127.0.0.1 (DNS
/// rebinding), after which the page reads the answers too. But the browser says in `Host` and
/// `Origin` what was asked for and by whom, and no page can change that.
///
/// Pages that may use it, those of this machine and whoever has the key, are told so in the answer,
/// or their browsers would keep it from them (WHATWG Fetch, section 3.2).
extension Service {
    /// Why a request that a page may have made is refused; nil for those of programs.
    func refusalOfPages(_ head: RequestHead, _ route: Route) -> APIError? {
        if apiKey == nil, let loopbackHost, route != .health {
            if let host = head.host, !isOwn(host, loopbackHost) { return .foreignHost(host) }
            if let origin = head.origin, isForeign(origin) { return .foreignOrigin(origin) }
        }
        guard route == .drain else { return nil }
        if let origin = head.origin { return .drainByPage(origin) }
        return isJSON(head.contentType) ? nil : .notJSON
    }

    /// What the browser of a page that may read the answer wants to see in it.
    func pageHeaders(_ head: RequestHead) -> [HTTPHeader] {
        guard let origin = head.origin, Route(path: head.path) != .drain,
            apiKey != nil || !isForeign(origin)
        else { return [] }
        return [
            HTTPHeader("Access-Control-Allow-Origin", origin), HTTPHeader("Vary", "Origin"),
            HTTPHeader("Access-Control-Expose-Headers", "Retry-After"),
        ]
    }

    /// The answer to a browser that asks before it sends what a page wants. The key comes later.
    func preflight(_ head: RequestHead, _ route: Route) -> HTTPReply {
        var reply = HTTPReply(status: 204, headers: [], body: [])
        guard !pageHeaders(head).isEmpty else { return reply }
        reply.headers.append(
            HTTPHeader("Access-Control-Allow-Methods", route.methods.joined(separator: ", ")))
        if let names = head.plannedHeaders {
            reply.headers.append(HTTPHeader("Access-Control-Allow-Headers", names))
        }
        reply.headers.append(
            HTTPHeader("Access-Control-Max-Age", String(HTTPLimits.preflightSeconds)))
        return reply
    }

    private func isOwn(_ host: String, _ loopbackHost: String) -> Bool {
        guard let authority = Authority(host) else { return false }
        return authority.isLoopback || authority.host == loopbackHost
    }

    /// Whether it is a page's that is not from this machine. Extensions and desktop programs have
    /// schemes of their own; `null` may be anybody's.
    private func isForeign(_ origin: String) -> Bool {
        let origin = origin.lowercased()
        if origin == "null" { return true }
        for scheme in ["http://", "https://"] where origin.hasPrefix(scheme) {
            return Authority(origin.dropFirst(scheme.count))?.isLoopback != true
        }
        return false
    }

    /// No form can have this type, and a page must ask before it sends it elsewhere.
    private func isJSON(_ contentType: String?) -> Bool {
        let type = (contentType ?? "").prefix { $0 != ";" }.lowercased()
        return type.filter { $0 != " " && $0 != "\t" } == "application/json"
    }
}

extension RequestHead {
    var isPreflight: Bool { method == "OPTIONS" && origin != nil && plannedMethod != nil }
}

extension APIError {
    fileprivate static func foreignHost(_ host: String) -> APIError {
        APIError(
            status: 403,
            "this server has no API key and answers at localhost, 127.0.0.1 and [::1] alone, not "
                + "at '\(host.prefix(100))'; ask it there, or serve with --api-key-file FILE",
            code: "host_not_allowed")
    }

    fileprivate static func foreignOrigin(_ origin: String) -> APIError {
        APIError(
            status: 403,
            "this server has no API key and takes nothing from web pages, such as one of "
                + "'\(origin.prefix(100))'; ask it from a program, "
                + "or serve with --api-key-file FILE",
            code: "origin_not_allowed")
    }

    fileprivate static func drainByPage(_ origin: String) -> APIError {
        APIError(
            status: 403,
            "no web page may drain workers, such as one of '\(origin.prefix(100))'; "
                + "use 'caravan drain'",
            code: "origin_not_allowed")
    }

    fileprivate static let notJSON = APIError(
        status: 415, "the body has to be JSON by its type; send 'Content-Type: application/json'",
        code: "unsupported_media_type")
}
