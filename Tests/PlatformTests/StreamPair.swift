// SPDX-License-Identifier: Apache-2.0

import Platform
import TestSupport
import Testing

/// Two open ends of one connection over loopback.
struct StreamPair {
    static let patience = Duration.seconds(60)
    let near: ByteStream
    let far: ByteStream

    /// The near end connected, the far one was accepted.
    init(security: StreamSecurity, writeTimeout: Duration = StreamPair.patience) throws {
        (near, far) = try Self.connected(security, security, writeTimeout: writeTimeout)
        let opening = try [(near, "near"), (far, "far")].map { stream, name in
            let isPlain = !stream.isEncrypted
            return try OSThread(name: name) {
                // A plaintext server waits for the first byte, which the test sends later.
                if !isPlain || name == "near" { _ = try? stream.open(timeout: Self.patience) }
            }
        }
        for thread in opening { thread.join() }
        if !near.isEncrypted {
            try near.write([0])
            try #require(try far.open(timeout: Self.patience))
            #expect(try far.read(count: 1) == [0])
        }
    }

    /// Two ends that have not been opened.
    static func connected(
        _ nearSecurity: StreamSecurity, _ farSecurity: StreamSecurity,
        writeTimeout: Duration = StreamPair.patience
    ) throws -> (near: ByteStream, far: ByteStream) {
        let listener = try Listener(
            SocketAddress(host: "127.0.0.1", port: 0), security: farSecurity)
        let near = try ByteStream(
            connectingTo: listener.address, security: nearSecurity, timeout: patience,
            writeTimeout: writeTimeout)
        let far = try #require(listener.accept(writeTimeout: writeTimeout))
        listener.stop()
        return (near, far)
    }

    /// Opens both ends at once; what each came to.
    static func openBoth(
        _ near: ByteStream, _ far: ByteStream
    ) throws -> (near: Result<Bool, SocketError>, far: Result<Bool, SocketError>) {
        let found = Mailbox<Result<Bool, SocketError>>(capacity: 1)
        let opener = try OSThread(name: "open") {
            found.offer(Result { () throws(SocketError) in try far.open(timeout: patience) })
            // What the other end is still to read of an alert stays readable.
            far.endWriting()
        }
        let nearResult = Result { () throws(SocketError) in try near.open(timeout: patience) }
        opener.join()
        return (nearResult, found.take(timeout: .zero) ?? .success(false))
    }
}
