// SPDX-License-Identifier: Apache-2.0

package import Cluster
package import Control
import FoundationEssentials
package import Platform
import Synchronization

/// Why the HTTP server could not start.
package enum HTTPServerError: Error, Equatable, CustomStringConvertible {
    case cannotListen(SocketError)
    case cannotStart(port: UInt16)

    package var description: String {
        switch self {
        case .cannotListen(let error): error.description
        case .cannotStart(let port):
            "cannot start the HTTP server on port \(port): threads or descriptors are used up; "
                + "raise their limits (ulimit -n, -u)"
        }
    }
}

/// The OpenAI HTTP API in front of a generator.
package final class HTTPServer: Sendable {
    /// The port it listens on; chosen by the system when 0 was asked for.
    package let port: UInt16
    private let registry: ExchangeRegistry
    private let bodies: BodyBudget
    private let running: Mutex<(daemon: MHDDaemon, watch: OSThread)?>

    /// Listens on `address`:`port` and serves from then on, on threads of its own.
    ///
    /// With `apiKey` every route but `/health` asks for it as a bearer token; without it, and on
    /// loopback, they answer only those who ask at loopback's own names. The model is called
    /// `modelName`, and by its file's name too. `sampling` is for requests that do not say.
    /// `randomWord` supplies seeds and ids, `now` the seconds since 1970.
    package init(
        address: String, port: UInt16, generator: any TextGenerator, apiKey: String? = nil,
        modelName: String? = nil, sampling: SamplingSettings = SamplingSettings(),
        heldBodyBytesMax: Int = HTTPLimits.heldBodyBytesMax,
        randomWord: @escaping @Sendable () -> UInt64 = Randomness.word,
        now: @escaping @Sendable () -> Int = { Int(Date().timeIntervalSince1970) }
    ) throws(HTTPServerError) {
        let listen = SocketAddress(host: address, port: port)
        let socket: (descriptor: Int32, port: UInt16)
        do {
            socket = try PassiveSocket.open(listen)
        } catch {
            throw .cannotListen(error)
        }
        // A client that vanished without a word, as a laptop that sleeps, would keep its slot.
        let silenceMax = Duration.seconds(HTTPLimits.connectionTimeoutSeconds)
        StreamLiveness(bound: silenceMax, idleTimeMax: .seconds(15))
            .watchConnections(of: socket.descriptor)
        let service = Service(
            generator: generator, apiKey: apiKey, modelName: modelName, sampling: sampling,
            loopbackHost: listen.isLoopback
                ? Authority(listen.description)?.host ?? address.lowercased() : nil,
            randomWord: randomWord, now: now)
        let registry = ExchangeRegistry()
        guard
            let shared = try? MHDDaemon.Context(
                service: service, registry: registry, heldBodyBytesMax: heldBodyBytesMax),
            let daemon = MHDDaemon(descriptor: socket.descriptor, shared: shared)
        else { throw .cannotStart(port: socket.port) }
        self.port = socket.port
        self.registry = registry
        bodies = shared.bodies
        guard let watch = try? OSThread(name: "http-watch", { registry.watch() }) else {
            daemon.stop()
            throw .cannotStart(port: socket.port)
        }
        running = Mutex((daemon, watch))
    }

    deinit { stop() }

    /// Bytes of all request bodies that are kept now.
    package var heldBodyByteCount: Int { bodies.heldByteCount }

    /// Ends open requests with an error, closes all connections and joins the threads.
    ///
    /// Takes less than a second. Further calls have no effect.
    package func stop() {
        guard let parts = running.withLock({ $0.take() }) else { return }
        registry.shutDown()
        parts.daemon.stop()
        parts.watch.join()
    }
}
