// SPDX-License-Identifier: Apache-2.0

import Glibc

/// How long the kernel takes a peer's word for granted (tcp(7)).
///
/// A way that swallows packets in one direction alone stops what goes over it, while every other
/// connection of either side lives on. By itself TCP would give up after a quarter of an hour, and
/// look after an idle connection after two hours.
package struct StreamLiveness {
    /// How often a peer that does not answer is asked again.
    static let askingInterval = Duration.seconds(1)

    /// What was sent, or asked, and not acknowledged for this long ends the connection.
    let bound: Duration

    /// Silence after which the peer is asked whether it is still there.
    let idleTimeMax: Duration

    package init(bound: Duration, idleTimeMax: Duration = .seconds(3)) {
        self.bound = bound
        self.idleTimeMax = idleTimeMax
    }

    /// Well below the bound: the kernel counts the silence too, and one question that gets lost is
    /// not to end the connection.
    private var idleTime: Duration { max(.seconds(1), min(idleTimeMax, bound / 3)) }

    /// Sets a connected socket up so; also to send at once what is written.
    func watch(_ descriptor: Int32) {
        watchConnections(of: descriptor)
        set(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
    }

    /// Sets a socket up so, or all that a listening one accepts from now on: they inherit it.
    package func watchConnections(of descriptor: Int32) {
        let tcp = Int32(IPPROTO_TCP)
        let milliseconds = Int32(clamping: bound.microseconds / 1000)
        let options: [(level: Int32, name: Int32, value: Int32)] = [
            (SOL_SOCKET, SO_KEEPALIVE, 1),
            (tcp, TCP_KEEPIDLE, Int32(idleTime.components.seconds)),
            (tcp, TCP_KEEPINTVL, Int32(Self.askingInterval.components.seconds)),
            (tcp, TCP_USER_TIMEOUT, milliseconds),
        ]
        for option in options { set(descriptor, option.level, option.name, option.value) }
    }

    private func set(_ descriptor: Int32, _ level: Int32, _ name: Int32, _ value: Int32) {
        var value = value
        setsockopt(descriptor, level, name, &value, socklen_t(MemoryLayout<Int32>.size))
    }
}
