// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport

/// What this machine measures of itself for a worker with one thread: found out once, and laid in
/// every cache. Workers then join at once, and all with the same figures.
enum MeasuredSpeed {
    /// Where a worker keeps it in its cache.
    private static let name = "speed"

    /// From a worker that measures itself and then has nobody to join.
    private static let measured: Result<String, any Error> = Result {
        let directory = try TemporaryDirectory()
        let path = directory.file("cache/\(name)")
        let worker = try Caravan.start(
            [
                "worker", "--join", "127.0.0.1:\(RawConnection.freePort())", "--plaintext",
                "--memory", "512MiB", "--threads", "1", "--cache", directory.file("cache"),
            ], in: directory)
        let found = Deadline.wait { FileManager.default.fileExists(atPath: path) }
        worker.terminate()
        try worker.waitForExit()
        guard found, let data = FileManager.default.contents(atPath: path) else {
            throw HarnessError.neverReady("a worker's measurement", log: worker.errors)
        }
        return String(decoding: data, as: UTF8.self)
    }

    /// Before a worker with one thread starts with this cache. It will say that it is `factor`
    /// times as fast as it is.
    static func lay(in cache: String, times factor: Int = 1) throws {
        try FileManager.default.createDirectory(
            atPath: cache, withIntermediateDirectories: true)
        // Of the words after the key four are rates; the last is the time that a loop costs.
        let lines = try measured.get().split(separator: "\n").map { line in
            let parts = line.components(separatedBy: ": ")
            let numbers = parts[1].split(separator: " ").compactMap { Int($0) }
            let scaled = numbers.prefix(4).map { $0 * factor } + numbers.suffix(1)
            return "\(parts[0]): \(scaled.map(String.init).joined(separator: " "))\n"
        }
        try Data(lines.joined().utf8).write(to: URL(filePath: "\(cache)/\(name)"))
    }
}
