// SPDX-License-Identifier: Apache-2.0

import Platform
import Synchronization

/// The exchanges in progress, and the thread that notices when their clients leave.
final class ExchangeRegistry: Sendable {
    private struct State {
        var exchanges: [ObjectIdentifier: Exchange] = [:]
        var isStopping = false
    }

    private let state = Mutex(State())

    /// Adds `exchange`; once the server stops it is told so at once.
    func add(_ exchange: Exchange) {
        let isStopping = state.withLock { state in
            state.exchanges[ObjectIdentifier(exchange)] = exchange
            return state.isStopping
        }
        if isStopping { exchange.shutDown() }
    }

    func remove(_ exchange: Exchange) {
        state.withLock { _ = $0.exchanges.removeValue(forKey: ObjectIdentifier(exchange)) }
    }

    /// Ends all exchanges and waits, for a bounded time, until their answers have been sent.
    func shutDown() {
        let exchanges = state.withLock { state in
            state.isStopping = true
            return Array(state.exchanges.values)
        }
        for exchange in exchanges { exchange.shutDown() }
        let pauseMilliseconds = 5
        for _ in 0..<HTTPLimits.stopFlushMilliseconds / pauseMilliseconds {
            if state.withLock({ $0.exchanges.isEmpty }) { return }
            _ = PeerWatch.departed([], waitMilliseconds: Int32(pauseMilliseconds))
        }
    }

    /// Looks after the clients until `shutDown`; the body of a thread.
    func watch() {
        while true {
            let (exchanges, isStopping) = state.withLock { state in
                (Array(state.exchanges.values), state.isStopping)
            }
            if isStopping { return }
            for exchange in exchanges { exchange.cancelIfUnwanted() }
            var watched: [(exchange: Exchange, descriptor: Int32)] = []
            for exchange in exchanges {
                if let descriptor = exchange.watchedDescriptor {
                    watched.append((exchange, descriptor))
                }
            }
            let departed = PeerWatch.departed(
                watched.map(\.descriptor), waitMilliseconds: HTTPLimits.watchMilliseconds)
            for index in departed {
                watched[index].exchange.leaveIfDeparted {
                    !PeerWatch.departed([$0], waitMilliseconds: 0).isEmpty
                }
                watched[index].exchange.cancelIfUnwanted()
            }
        }
    }
}
