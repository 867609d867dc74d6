// SPDX-License-Identifier: Apache-2.0

import Cluster
import Control
import Platform

/// `caravan worker`: joins a coordinator and runs a stage for it.
struct WorkerCommand: Command {
    static let syntax = Syntax(
        name: "worker", summary: "Joins a coordinator and runs a share of the layers",
        options: [
            .init("--join", "HOST:PORT", "the coordinator's --workers-listen address (required)"),
            .init("--memory", "SIZE", "memory to use, such as 4GiB (default 80 % of what is free)"),
            .init("--threads", "N", "compute threads (default one a core)"),
            SecurityChoice.tokenFileOption, SecurityChoice.plaintextOption,
            .init(
                "--data-listen", "HOST:PORT",
                "where data links come in (default any free port, on loopback if --join is)"),
            .init("--model", "FILE", "the model, if it is here as well: nothing is shipped then"),
            .init(
                "--cache", "DIR",
                "where blobs are kept (default $XDG_CACHE_HOME/caravan/blobs, or "
                    + "~/.cache/caravan/blobs)"),
            .init(
                "--cache-size", "SIZE",
                "what blobs may take; those not used lately go first (5 % of the disk always stays "
                    + "free, or 4 GiB where that is less)"),
            .init("--name", "NAME", "the name shown for this worker (default the host name)"),
            // Ends when standard input or the coordinator does: coordinators start such workers.
            .init("--child", nil, ""),
        ],
        notes: [
            "SIGTERM, SIGINT or SIGHUP: its layers move to others first, for which it waits for",
            "at most \(ClusterLimits.leavePatience.components.seconds) s; a second signal ends it "
                + "at once.",
        ])

    private let security: SecurityChoice
    private let configuration: WorkerConfiguration

    init(_ options: Options) throws {
        let isChild = options.has("--child")
        let name = options.text("--name") ?? FileSystem.hostName
        let isPrintable = name.unicodeScalars.allSatisfy {
            $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value)
        }
        guard !name.isEmpty, name.utf8.count <= 64, isPrintable else {
            throw UsageError.badValue("--name", name, "1 to 64 bytes of printable text")
        }
        security = try SecurityChoice(options)
        let coordinator = try options.address(
            "--join", "10.0.0.1:7070", security, isRequired: true)
        // Who joins over loopback is reached over it, and needs no port for others.
        let anyPort = coordinator.isLoopback ? "127.0.0.1:0" : coordinator.anyAddress
        configuration = WorkerConfiguration(
            coordinator: coordinator,
            dataListen: try options.address("--data-listen", anyPort, security),
            // The real one is read when it is run.
            security: .token(ClusterToken()), name: name,
            cacheDirectory: try options.cacheDirectory(),
            cacheByteCountMax: try options.byteCount("--cache-size"),
            modelPath: options.text("--model"),
            memoryBudgetBytes: try options.byteCount("--memory")
                ?? Defaults.memoryBudgetBytes,
            threadCount: try options.threadCount(), endsWithCoordinator: isChild,
            measuresSpeed: true)
    }

    /// Some systems give a machine's own name an address that no other machine can reach.
    private func warnOfLoopback() {
        let host = configuration.coordinator.host
        guard !configuration.coordinator.isNumeric, host != "localhost",
            configuration.coordinator.isLoopback
        else { return }
        Log.warning(
            "\(host) is an address within this machine: workers on others can't reach this one. "
                + "Join at the coordinator's network address")
    }

    /// What does not fit into memory is ended by the kernel, which says so elsewhere if at all.
    ///
    /// Nothing is said of a child, whose coordinator has shared out what was free.
    private func warnOfShortMemory() {
        let budget = configuration.memoryBudgetBytes
        let free = MemoryReading.availableBytes()
        // Where the kernel says nothing it can't be told.
        guard !configuration.endsWithCoordinator, free > 0, budget > free else { return }
        Log.warning(
            "--memory is \(ByteCount(UInt64(budget))) and \(ByteCount(UInt64(free))) are free "
                + "here: with layers for more than that the kernel will end this worker; lower "
                + "--memory, end other programs, or raise the limit of its control group")
    }

    func run() throws -> Int32 {
        DescriptorLimit.raise()
        var configuration = configuration
        configuration.security = try security.forWorker()
        // From here on it has a port and files to give up.
        Signals.catchTermination()
        warnOfLoopback()
        warnOfShortMemory()
        let node = try WorkerNode(configuration: configuration)
        if configuration.endsWithCoordinator {
            // Its coordinator writes the same things to the same terminal.
            Log.setThreshold(.warning)
            // Ends with the process: nothing else wakes a read of standard input.
            _ = try OSThread(name: "leash") {
                ParentProcess.waitForEnd()
                Signals.requestTermination()
            }
        }
        // A child's coordinator ends it, with itself or after it has moved the layers. Others leave
        // in their own time at the first signal, and end at the second; but a terminal that goes
        // says so more than once.
        let isChild = configuration.endsWithCoordinator
        var isToLeave = !isChild
        func leave(_ signal: Int32) -> Bool {
            guard isToLeave else { return signal == Signals.hangUp && !isChild }
            isToLeave = false
            node.leave()
            return true
        }
        return try Supervisor.run(absorb: leave, stop: { _ in node.stop() }) {
            try node.run()
            return ExitStatus.done
        }
    }
}
