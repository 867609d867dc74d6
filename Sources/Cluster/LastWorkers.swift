// SPDX-License-Identifier: Apache-2.0

import Platform
import Wire

/// The names of the workers that served a model last, kept for the next start: once they are all
/// back it waits for nobody else.
struct LastWorkers {
    private(set) var names: [String]
    private let path: String

    /// Reads what the last start left in `directory`; nobody where there is nothing of use.
    init(directory: String, modelPath: String) {
        path = directory + "/workers-" + BlobDigest(hashing: modelPath).hexadecimal.prefix(16)
        names = (SmallFile.read(path) ?? "").split(separator: "\n").map(String.init)
    }

    /// Keeps the names of those that serve now; that this may fail only costs time. Nobody waits
    /// for it: whoever calls has steps to send, and a network file system may hang.
    mutating func note(_ serving: [String]) {
        guard serving.sorted() != names else { return }
        names = serving.sorted()
        let text = names.map { $0 + "\n" }.joined()
        let thread = try? OSThread(name: "names") { [path] in
            do throws(FileError) {
                try SmallFile.write(text, to: path)
            } catch {
                Log.info("the workers' names are not kept: \(error)")
            }
        }
        thread?.letGo()
    }
}
