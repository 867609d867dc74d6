// SPDX-License-Identifier: Apache-2.0

package import Platform
import Synchronization

/// Takes connections on a port and turns each into a link that has yet to say who it is.
package final class Acceptor: Sendable {
    package let address: SocketAddress
    private let listener: Listener
    private let thread = Mutex<OSThread?>(nil)
    private let strangers = Mutex<[ObjectIdentifier: Link]>([:])

    /// Events of accepted links go to `onEvent`, which owns the links from their first frame on.
    package init(
        listener: Listener, onEvent: @escaping @Sendable (Link, Link.Event) -> Void
    ) {
        self.listener = listener
        address = listener.address
        let accepting = OSThread(name: "accept") { [self] in
            while let stream = listener.accept(writeTimeout: ClusterLimits.writeTimeout) {
                admit(stream, onEvent)
            }
        }
        thread.withLock { $0 = accepting }
    }

    /// Stops accepting and joins the thread; links that live on are their owner's.
    package func stop() {
        listener.stop()
        thread.withLock { $0 }?.join()
        for link in strangers.withLock({ Array($0.values) }) { link.close(reason: "stopping") }
    }

    private func admit(
        _ stream: ByteStream, _ onEvent: @escaping @Sendable (Link, Link.Event) -> Void
    ) {
        guard strangers.withLock({ $0.count }) < ClusterLimits.strangersMax else {
            stream.shutDown()
            return
        }
        // The table is locked until the link stands in it, so its first event finds it there.
        strangers.withLock { table in
            let link = Link(stream: stream, isStranger: true) { [self] link, event in
                _ = strangers.withLock { $0.removeValue(forKey: ObjectIdentifier(link)) }
                onEvent(link, event)
            }
            table[ObjectIdentifier(link)] = link
        }
    }
}
