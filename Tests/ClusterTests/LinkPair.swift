// SPDX-License-Identifier: Apache-2.0

import Cluster
import Platform
import TestSupport
import Testing
import Wire

/// Two links over one connection, with the events of both.
final class LinkPair {
    let near: Link
    let far: Link
    let nearEvents: Mailbox<Link.Event>
    let farEvents: Mailbox<Link.Event>

    init(
        farIsStranger: Bool = false, farCapacity: Int = 1000,
        security: StreamSecurity = TestCluster.security
    ) throws {
        let patience = TestCluster.patience
        let listener = try Listener(SocketAddress(host: "127.0.0.1", port: 0), security: security)
        let nearStream = try ByteStream(
            connectingTo: listener.address, security: security, timeout: patience,
            writeTimeout: patience)
        let farStream = try #require(listener.accept(writeTimeout: patience))
        let nearEvents = Mailbox<Link.Event>(capacity: 1000)
        let farEvents = Mailbox<Link.Event>(capacity: farCapacity)
        self.nearEvents = nearEvents
        self.farEvents = farEvents
        near = try Link(stream: nearStream, isStranger: false) { nearEvents.post($1) }
        far = try Link(stream: farStream, isStranger: farIsStranger) { farEvents.post($1) }
    }

    /// Joins all threads, whatever state the links are in.
    func finish() {
        nearEvents.close()
        farEvents.close()
        near.finish()
        far.finish()
    }

    static func frame(_ events: Mailbox<Link.Event>) -> Frame? {
        guard case .frame(let frame)? = events.take(timeout: TestCluster.patience) else {
            return nil
        }
        return frame
    }

    /// Why the link closed, "" without a reason; nil when a frame came instead.
    static func closing(_ events: Mailbox<Link.Event>) -> String? {
        guard case .closed(let reason)? = events.take(timeout: TestCluster.patience) else {
            return nil
        }
        return reason ?? ""
    }
}
