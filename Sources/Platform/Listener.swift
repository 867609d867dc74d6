// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc

/// A listening TCP socket.
package final class Listener: Sendable {
    let descriptor: Int32
    private let security: StreamSecurity
    /// Where it really listens; the port is chosen by the system when 0 was asked for.
    package let address: SocketAddress
    /// The same with a number for its host: the one of a name's that was taken.
    package let numericAddress: SocketAddress

    package init(_ address: SocketAddress, security: StreamSecurity) throws(SocketError) {
        let socket = try PassiveSocket.open(address)
        descriptor = socket.descriptor
        self.security = security
        let named = SocketAddress(host: address.host, port: socket.port)
        self.address = named
        numericAddress = SocketEnds.local(of: socket.descriptor) ?? named
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    }

    deinit { close(descriptor) }

    /// What asking for a connection gave.
    package enum Arrival {
        case stream(ByteStream)
        case none
        /// `stop` has been called.
        case stopped
    }

    /// The next connection, if there is one.
    package func acceptNow(writeTimeout: Duration) -> Arrival {
        let connection = cl_accept(descriptor)
        if connection >= 0 {
            return .stream(
                ByteStream(accepted: connection, security: security, writeTimeout: writeTimeout))
        }
        switch errno {
        case EAGAIN, EINTR, ECONNABORTED: return .none
        // What `shutdown` makes of a listening socket.
        case EINVAL, EBADF, ENOTSOCK: return .stopped
        // Out of descriptors or memory, or an error of the network that one connection met
        // (accept(2)): it passes, but don't spin meanwhile.
        default:
            usleep(50_000)
            return .none
        }
    }

    /// Wakes who waits for a connection; there are none from now on.
    package func stop() { _ = shutdown(descriptor, Int32(SHUT_RDWR)) }
}
