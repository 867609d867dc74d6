// SPDX-License-Identifier: Apache-2.0

import Glibc

/// How long the kernel takes a peer's word for granted (tcp(7)).
///
/// A way that swallows packets in one direction alone stops what goes over it, while every other
/// connection of either side lives on. By itself TCP would give up after a quarter of an hour, and
/// look after an idle connection after two hours.
struct StreamLiveness {
    /// Silence after which the peer is asked whether it is still there, and how often again.
    static let idleTimeMax = Duration.seconds(3)
    static let askingInterval = Duration.seconds(1)

    /// What was sent, or asked, and not acknowledged for this long ends the connection.
    let bound: Duration

    /// Well below the bound: the kernel counts the silence too, and one question that gets lost is
    /// not to end the connection.
    private var idleTime: Duration { max(.seconds(1), min(Self.idleTimeMax, bound / 3)) }

    /// Sets a connected socket up so; also to send at once what is written.
    func watch(_ descriptor: Int32) {
        let tcp = Int32(IPPROTO_TCP)
        let milliseconds = Int32(clamping: bound.microseconds / 1000)
        let options: [(level: Int32, name: Int32, value: Int32)] = [
            (tcp, TCP_NODELAY, 1), (SOL_SOCKET, SO_KEEPALIVE, 1),
            (tcp, TCP_KEEPIDLE, Int32(idleTime.components.seconds)),
            (tcp, TCP_KEEPINTVL, Int32(Self.askingInterval.components.seconds)),
            (tcp, TCP_USER_TIMEOUT, milliseconds),
        ]
        for option in options {
            var value = option.value
            setsockopt(
                descriptor, option.level, option.name, &value,
                socklen_t(MemoryLayout<Int32>.size))
        }
    }
}
