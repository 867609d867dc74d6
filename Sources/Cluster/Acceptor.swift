// SPDX-License-Identifier: Apache-2.0

package import Platform
import Synchronization

/// Takes connections on a port and turns each into a link that has yet to say who it is.
package final class Acceptor: Sendable {
    package let address: SocketAddress
    private let listener: Listener
    private let tally: ByteTally?
    private let thread = Mutex<OSThread?>(nil)
    private let table = Mutex(Table())

    private struct Table {
        /// Links that have not said a word.
        var strangers: Set<ObjectIdentifier> = []
        /// Every accepted link whose threads may still run.
        var links: [Link] = []
    }

    /// Events of accepted links go to `onEvent`, which owns the links from their first frame on.
    /// `tally` counts what goes over them.
    package init(
        listener: Listener, tally: ByteTally? = nil,
        onEvent: @escaping @Sendable (Link, Link.Event) -> Void
    ) {
        self.listener = listener
        self.tally = tally
        address = listener.address
        let accepting = OSThread(name: "accept") { [self] in
            while let stream = listener.accept(writeTimeout: ClusterLimits.writeTimeout) {
                admit(stream, onEvent)
            }
        }
        thread.withLock { $0 = accepting }
    }

    /// Stops accepting, ends every accepted link and joins all threads.
    ///
    /// What `onEvent` posts to has been closed before, so that no reader waits there.
    package func stop() {
        listener.stop()
        let accepting = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        accepting?.join()
        let links = table.withLock { $0.links }
        for link in links { link.close(reason: "stopping") }
        for link in links { link.finish() }
        table.withLock { $0.links = [] }
    }

    private func admit(
        _ stream: ByteStream, _ onEvent: @escaping @Sendable (Link, Link.Event) -> Void
    ) {
        table.withLock { table in
            table.links.removeAll { $0.isFinished }
            guard table.strangers.count < ClusterLimits.strangersMax else {
                stream.shutDown()
                return
            }
            // The table is locked until the link stands in it, so its first event finds it there.
            let link = Link(stream: stream, isStranger: true, tally: tally) { [self] link, event in
                _ = self.table.withLock { $0.strangers.remove(ObjectIdentifier(link)) }
                onEvent(link, event)
            }
            table.strangers.insert(ObjectIdentifier(link))
            table.links.append(link)
        }
    }
}
