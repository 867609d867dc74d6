// SPDX-License-Identifier: Apache-2.0

import CMicroHTTPD
import Platform
import Synchronization

/// A running libmicrohttpd server. The only other file that speaks C is `MHDConnection`.
final class MHDDaemon: Sendable {
    /// What every request needs; lives as long as the server.
    final class Context: Sendable {
        let service: Service
        let registry: ExchangeRegistry
        let longPrompts: LongRequests
        let longAnswers: LongRequests
        let bodies: BodyBudget
        /// Whether connections that come are closed at once.
        let isStopping = Atomic(false)

        init(
            service: Service, registry: ExchangeRegistry, heldBodyBytesMax: Int
        ) throws(ThreadError) {
            self.service = service
            self.registry = registry
            longPrompts = try LongRequests(
                thread: "http-long", countMax: HTTPLimits.longRequestCountMax)
            longAnswers = try LongRequests(
                thread: "http-answers", countMax: HTTPLimits.longAnswerCountMax)
            bodies = BodyBudget(byteCountMax: heldBodyBytesMax)
        }
    }

    /// Set once; the library's functions used on it may be called on any thread.
    private nonisolated(unsafe) let daemon: OpaquePointer
    private let shared: Unmanaged<Context>

    /// Serves connections of the listening socket `descriptor`, which it takes over.
    init?(descriptor: Int32, shared: Context) {
        let retained = Unmanaged.passRetained(shared)
        var options = daemonOptions(descriptor: descriptor, shared: retained.toOpaque())
        let flags =
            MHD_USE_EPOLL_INTERNAL_THREAD.rawValue | MHD_ALLOW_SUSPEND_RESUME.rawValue
        let started = options.withUnsafeMutableBufferPointer { items -> OpaquePointer? in
            guard let base = items.baseAddress else { return nil }
            let list: [any CVarArg] = [
                MHD_OPTION.ARRAY.rawValue, OpaquePointer(base), MHD_OPTION.END.rawValue,
            ]
            return withVaList(list) {
                MHD_start_daemon_va(
                    flags, 0, admitConnection, retained.toOpaque(), handleRequest,
                    retained.toOpaque(), $0)
            }
        }
        guard let started else {
            retained.release()
            return nil
        }
        daemon = started
        self.shared = retained
    }

    /// Closes all connections and joins the library's threads. None may be suspended. Call once.
    ///
    /// Connections first get a moment to end by themselves, and no new ones come: a malformed
    /// request that arrives while `MHD_stop_daemon` works crashes libmicrohttpd 0.9.75, whose
    /// `MHD_queue_response` then claims success without having queued its error reply. Nor can
    /// `MHD_quiesce_daemon` keep new ones away: caller and threads both take the listening socket
    /// out of a thread's epoll set, and the library aborts the process when the second one fails.
    func stop() {
        shared.takeUnretainedValue().isStopping.store(true, ordering: .sequentiallyConsistent)
        let pauseMilliseconds = 2
        for _ in 0..<HTTPLimits.drainMilliseconds / pauseMilliseconds {
            if mhd_connection_count(daemon) == 0 { break }
            _ = PeerWatch.departed([], waitMilliseconds: Int32(pauseMilliseconds))
        }
        MHD_stop_daemon(daemon)
        shared.release()
    }
}

private func daemonOptions(
    descriptor: Int32, shared: UnsafeMutableRawPointer
) -> [MHD_OptionItem] {
    func item(_ option: MHD_OPTION, _ value: Int) -> MHD_OptionItem {
        MHD_OptionItem(option: option, value: value, ptr_value: nil)
    }
    let completed: MHD_RequestCompletedCallback = completeRequest
    return [
        item(.LISTEN_SOCKET, Int(descriptor)),
        item(.THREAD_POOL_SIZE, HTTPLimits.threadCount),
        item(
            .CONNECTION_LIMIT,
            HTTPLimits.connectionCount(descriptorLimit: DescriptorLimit.current)),
        item(.CONNECTION_MEMORY_LIMIT, HTTPLimits.connectionMemoryBytes),
        item(.CONNECTION_TIMEOUT, HTTPLimits.connectionTimeoutSeconds),
        MHD_OptionItem(
            option: .NOTIFY_COMPLETED,
            value: unsafeBitCast(completed, to: Int.self), ptr_value: shared),
        item(.END, 0),
    ]
}

/// Called for each connection, before anything is read from it.
private func admitConnection(
    _ shared: UnsafeMutableRawPointer?, _: UnsafePointer<sockaddr>?, _: socklen_t
) -> MHD_Result {
    guard let shared else { return .NO }
    let context = Unmanaged<MHDDaemon.Context>.fromOpaque(shared).takeUnretainedValue()
    return context.isStopping.load(ordering: .sequentiallyConsistent) ? .NO : .YES
}

/// Called with the head, with each part of the body, at its end, and after each resumption.
private func handleRequest(
    _ shared: UnsafeMutableRawPointer?, _ connection: OpaquePointer?,
    _ path: UnsafePointer<CChar>?, _ method: UnsafePointer<CChar>?, _: UnsafePointer<CChar>?,
    _ bytes: UnsafePointer<CChar>?, _ byteCount: UnsafeMutablePointer<Int>?,
    _ request: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> MHD_Result {
    guard let shared, let connection, let path, let method, let byteCount, let request else {
        return .NO
    }
    let verdict: Exchange.Verdict
    if let known = request.pointee {
        let exchange = Unmanaged<Exchange>.fromOpaque(known).takeUnretainedValue()
        if byteCount.pointee > 0 {
            verdict = exchange.receive(
                UnsafeRawBufferPointer(start: bytes, count: byteCount.pointee))
            byteCount.pointee = 0
        } else {
            verdict = exchange.proceed()
        }
    } else {
        let shared = Unmanaged<MHDDaemon.Context>.fromOpaque(shared).takeUnretainedValue()
        let exchange = newExchange(
            shared, MHDConnection(connection), method: String(cString: method),
            path: String(cString: path))
        request.pointee = Unmanaged.passRetained(exchange).toOpaque()
        shared.registry.add(exchange)
        verdict = exchange.begin()
    }
    return verdict == .goOn ? .YES : .NO
}

private func newExchange(
    _ shared: MHDDaemon.Context, _ connection: MHDConnection, method: String, path: String
) -> Exchange {
    let target = RequestTarget(path)
    let head = RequestHead(
        method: method, path: target.path, authorization: connection.header("Authorization"),
        host: target.authority ?? connection.header("Host"), origin: connection.header("Origin"),
        plannedMethod: connection.header("Access-Control-Request-Method"),
        plannedHeaders: connection.header("Access-Control-Request-Headers"),
        contentType: connection.header("Content-Type"),
        contentLength: connection.header("Content-Length").flatMap { UInt64($0) },
        expectsContinue: connection.header("Expect") != nil)
    return Exchange(
        connection: connection, shared: shared, head: head,
        refusal: shared.service.refusal(head))
}

/// Called once for each request that got a context, however it ended.
private func completeRequest(
    _ shared: UnsafeMutableRawPointer?, _: OpaquePointer?,
    _ request: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _: MHD_RequestTerminationCode
) {
    guard let shared, let known = request?.pointee else { return }
    request?.pointee = nil
    let exchange = Unmanaged<Exchange>.fromOpaque(known).takeRetainedValue()
    exchange.close()
    Unmanaged<MHDDaemon.Context>.fromOpaque(shared).takeUnretainedValue().registry.remove(exchange)
}
