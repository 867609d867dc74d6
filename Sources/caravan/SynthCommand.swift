// SPDX-License-Identifier: Apache-2.0

import Control
import Model
import Platform

/// `caravan synth SHAPE OUT.gguf`: a model with random weights in a real model's shape.
struct SynthCommand: Command {
    static let syntax = Syntax(
        name: "synth", summary: "Writes a model with random weights, to size hardware with",
        operands: ["SHAPE", "OUT.gguf"],
        options: [
            .init(
                "--type", "TYPE",
                "\(SyntheticMix.all.map(\.name).joined(separator: " ")) (default q4_0)"),
            .init("--seed", "S", "the same seed gives the same file (default 1)"),
            .init("--threads", "N", "threads that make weights (default one a core)"),
            .init("--force", nil, "replace a regular file that is there"),
        ],
        notes: [
            "SHAPE is one of \(SyntheticShape.all.map(\.name).joined(separator: " ")).",
            "TYPE names a mix as in files made by llama.cpp: norms are F32, the output layer of a",
            "quantised type is Q6_K, and rows that are no whole blocks take the next finer type.",
        ])

    private let model: SyntheticModel
    private let path: String
    private let threadCount: Int
    private let isForced: Bool

    init(_ options: Options) throws {
        let name = options.operands[0]
        guard let shape = SyntheticShape.all.first(where: { $0.name == name }) else {
            throw UsageError.badValue(
                "SHAPE", name, SyntheticShape.all.map(\.name).joined(separator: ", "))
        }
        let type = options.text("--type") ?? "q4_0"
        guard let mix = SyntheticMix.all.first(where: { $0.name == type }) else {
            throw UsageError.badValue(
                "--type", type, SyntheticMix.all.map(\.name).joined(separator: ", "))
        }
        model = SyntheticModel(shape: shape, mix: mix, seed: try options.seed("--seed") ?? 1)
        path = options.operands[1]
        threadCount = try options.threadCount()
        isForced = options.has("--force")
    }

    func run() throws -> Int32 {
        try checkTarget()
        let interrupt = StopFlag()
        let removal = StagedFileRemoval()
        let stop: @Sendable (Int32) -> Void = { signal in
            interrupt.set(signal)
            // The work may be stuck in a write until the process ends without it. So may this be,
            // which therefore has a thread of its own.
            do throws(ThreadError) {
                try OSThread(name: "removal") { removal.remove() }.letGo()
            } catch {
                removal.remove()
            }
        }
        return try Supervisor.run(stop: stop) { [self] in
            let start = MonotonicClock.now()
            let byteCount: Int?
            do {
                byteCount = try model.write(
                    to: path, threadCount: threadCount, removal: removal,
                    until: { interrupt.number != nil }
                ) { ProgressLine.show("\(ByteSize.text($0)) written") }
            } catch {
                // Where it was interrupted its file was removed.
                guard interrupt.number != nil else { throw error }
                byteCount = nil
            }
            ProgressLine.clear()
            guard let byteCount else { return 128 + (interrupt.number ?? 0) }
            let seconds = (MonotonicClock.now() - start).seconds
            let rate = Double(byteCount) / max(seconds, 1e-9) / 1e6
            try StandardOutput.show(
                "\(path): \(model.shape.name) \(model.mix.name), \(ByteSize.text(byteCount)) "
                    + "in \(seconds.rounded(toPlaces: 1)) s (\(Int(rate)) MB/s)\n")
            return ExitStatus.done
        }
    }

    /// The new file takes the place of what has its name: that may be a file, but no device, pipe
    /// or link, which a user who may do everything would lose.
    private func checkTarget() throws(SynthError) {
        guard !path.isEmpty else { throw .noFile(path) }
        switch FileSystem.kind(path) {
        case nil: return
        case .file?: guard isForced else { throw .exists(path) }
        case .directory?: throw .noFile(path)
        case .link?: throw .link(path)
        case .special?: throw .special(path)
        }
    }
}

enum SynthError: Error, CustomStringConvertible {
    case exists(String)
    case noFile(String)
    case link(String)
    case special(String)

    var description: String {
        switch self {
        case .exists(let path): "\(path) is there already; name another file or use --force"
        case .noFile(let path): "'\(path)' is not the name of a file; write one like model.gguf"
        case .link(let path): "\(path) is a symbolic link; name the file itself"
        case .special(let path):
            "\(path) is a device, a pipe or a socket, whose place no model takes; "
                + "name a file like model.gguf"
        }
    }
}
