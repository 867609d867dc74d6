// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport

/// What workers with one thread would have found out of this machine, laid in every cache: they
/// join at once, and all with the same figures, which nothing that runs beside a test can change.
enum MeasuredSpeed {
    /// Of a usual core: bytes a second that it reads and that all read, int8 and f32 operations a
    /// second, and nanoseconds that a loop costs.
    private static let rates = [20_000_000_000, 30_000_000_000, 300_000_000_000, 100_000_000_000]
    private static let loopNanoseconds = 2_000

    /// Where a worker keeps it in its cache.
    private static let name = "speed"

    /// What such a worker's figures are filed under, from one that measures itself and then has
    /// nobody to join.
    private static let key: Result<String, any Error> = Result {
        let directory = try TemporaryDirectory()
        let path = directory.file("cache/\(name)")
        let worker = try Caravan.start(
            [
                "worker", "--join", "127.0.0.1:\(RawConnection.heldPort())", "--plaintext",
                "--memory", "512MiB", "--threads", "1", "--cache", directory.file("cache"),
            ], in: directory)
        let found = Deadline.wait { FileManager.default.fileExists(atPath: path) }
        worker.terminate()
        try worker.waitForExit()
        guard found, let data = FileManager.default.contents(atPath: path) else {
            throw HarnessError.neverReady("a worker's measurement", log: worker.errors)
        }
        let line = String(decoding: data, as: UTF8.self).split(separator: "\n").first ?? ""
        return line.components(separatedBy: ": ")[0]
    }

    /// Before a worker with one thread starts with this cache. It will say that it is `factor`
    /// times as fast as a usual core.
    static func lay(in cache: String, times factor: Int = 1) throws {
        try FileManager.default.createDirectory(
            atPath: cache, withIntermediateDirectories: true)
        let numbers = rates.map { $0 * factor } + [loopNanoseconds]
        let line = "\(try key.get()): \(numbers.map(String.init).joined(separator: " "))\n"
        try Data(line.utf8).write(to: URL(filePath: "\(cache)/\(name)"))
    }
}
