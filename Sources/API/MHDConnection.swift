// SPDX-License-Identifier: Apache-2.0

import CMicroHTTPD
import Platform

/// One client's connection as libmicrohttpd hands it to a request.
///
/// Valid until the request's completion is reported; `Exchange` does not touch it afterwards.
struct MHDConnection: Sendable {
    /// libmicrohttpd lets any thread resume a suspended connection; all else happens on its own.
    private nonisolated(unsafe) let pointer: OpaquePointer

    init(_ pointer: OpaquePointer) { self.pointer = pointer }

    var descriptor: Int32 { mhd_descriptor(pointer) }

    func suspend() { MHD_suspend_connection(pointer) }

    func resume() { MHD_resume_connection(pointer) }

    /// Ends the connection now, whatever still waits to be sent.
    func abort() { PeerWatch.hangUp(descriptor) }

    func header(_ name: String) -> String? {
        MHD_lookup_connection_value(pointer, .HEADER_KIND, name).map { String(cString: $0) }
    }

    /// Sends a whole answer; false when the connection has to be closed instead.
    func send(_ reply: HTTPReply) -> Bool {
        var body = reply.body
        let response = body.withUnsafeMutableBytes {
            // The library copies the bytes before the call returns.
            MHD_create_response_from_buffer($0.count, $0.baseAddress, .RESPMEM_MUST_COPY)
        }
        return queue(response, status: reply.status, headers: reply.headers)
    }

    /// Begins a stream of server-sent events, which `exchange` supplies.
    func sendEvents(of exchange: Exchange) -> Bool {
        let context = Unmanaged.passRetained(exchange)
        let response = MHD_create_response_from_callback(
            UInt64.max, HTTPLimits.readBlockBytes, readEvents, context.toOpaque(), releaseExchange)
        if response == nil { context.release() }
        let headers = [
            HTTPHeader("Content-Type", "text/event-stream; charset=utf-8"),
            HTTPHeader("Cache-Control", "no-cache"),
            HTTPHeader("X-Accel-Buffering", "no"),
        ]
        return queue(response, status: 200, headers: headers + exchange.pageHeaders)
    }

    private func queue(_ response: OpaquePointer?, status: Int, headers: [HTTPHeader]) -> Bool {
        guard let response else { return false }
        defer { MHD_destroy_response(response) }
        for header in headers { MHD_add_response_header(response, header.name, header.value) }
        return MHD_queue_response(pointer, UInt32(status), response) == .YES
    }
}

/// Called by libmicrohttpd when it can send more of a stream.
private func readEvents(
    _ context: UnsafeMutableRawPointer?, _ position: UInt64, _ target: UnsafeMutablePointer<CChar>?,
    _ countMax: Int
) -> Int {
    // MHD_CONTENT_READER_END_OF_STREAM and …_END_WITH_ERROR are macros that Swift cannot import.
    let endOfStream = -1
    let endWithError = -2
    guard let context, let target else { return endWithError }
    let exchange = Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue()
    let room = UnsafeMutableRawBufferPointer(start: target, count: countMax)
    switch exchange.read(countMax) {
    case .bytes(let bytes):
        room.copyBytes(from: bytes)
        return bytes.count
    case .nothing: return 0
    case .end: return endOfStream
    case .broken: return endWithError
    }
}

private func releaseExchange(_ context: UnsafeMutableRawPointer?) {
    guard let context else { return }
    Unmanaged<Exchange>.fromOpaque(context).release()
}
