// SPDX-License-Identifier: Apache-2.0

import Platform

/// Worker processes on this machine, started and ended with the coordinator.
final class LocalWorkers {
    private var children: [(name: String, process: ChildProcess)] = []
    /// Of all that were started.
    let names: Set<String>

    /// Starts `count` workers that join `address`, sharing the machine's memory evenly. The
    /// cluster token goes to them over their standard input, where nobody else can see it.
    init(
        count: Int, joining address: SocketAddress, threadCount: Int, modelPath: String,
        configuration: CoordinatorConfiguration
    ) throws(ProcessError) {
        let coordinator = Self.reachable(address)
        var security = ["--plaintext"]
        var input = ""
        if case .token(let token) = configuration.security {
            security = ["--token-file", TokenFile.standardInput]
            input = token.text + "\n"
        }
        let budget = MemoryReading.availableBytes() / 10 * 8 / count
        let names = (1...count).map { "local-\($0)" }
        self.names = Set(names)
        do {
            for name in names {
                let process = try ChildProcess.ofSelf(
                    arguments: [
                        "worker", "--join", coordinator.description, "--name", name,
                        "--threads", "\(threadCount)", "--memory", "\(budget)",
                        "--model", modelPath, "--cache", configuration.cacheDirectory, "--child",
                    ] + security, input: input)
                children.append((name, process))
            }
        } catch {
            stop()
            throw error
        }
    }

    /// Where a worker on this machine joins. A coordinator that listens on all addresses expects
    /// others from elsewhere, who have to reach the data port of the workers here: these join, and
    /// so listen, at the machine's network address.
    private static func reachable(_ address: SocketAddress) -> SocketAddress {
        address.specified(by: SocketEnds.firstNetworkHost() ?? "127.0.0.1")
    }

    var isEmpty: Bool { children.isEmpty }

    /// Names and exit statuses of those that ended since the last call.
    func takeEnded() -> [(name: String, status: Int32)] {
        var ended: [(String, Int32)] = []
        children.removeAll { child in
            guard let status = child.process.waitForExit(timeout: .zero) else { return false }
            ended.append((child.name, status))
            return true
        }
        return ended
    }

    /// Asks all to end, and kills those that have not after a while.
    func stop() {
        for child in children { child.process.terminate() }
        let deadline = MonotonicClock.now() + ClusterLimits.childExitPatience
        for child in children {
            let left = max(.zero, deadline - MonotonicClock.now())
            if child.process.waitForExit(timeout: left) == nil {
                child.process.kill()
                _ = child.process.waitForExit(timeout: .seconds(1))
            }
        }
        children = []
    }
}
