// SPDX-License-Identifier: Apache-2.0

import Control
import Wire

extension Syntax {
    /// What `--context` and `--kv-memory` say together.
    static let kvNotes = [
        "Keys and values are kept in pages, which running sequences take as they grow. There are",
        "pages for --slots sequences of --context tokens (of "
            + "\(PageDemand.defaultPositionsPerSlot) each without --context) or, with",
        "--kv-memory, as many as SIZE holds; fewer where the workers' memory is short. When they",
        "run out the youngest sequence waits, and resumes later with the same tokens.",
    ]
    /// The same of a cluster that is only planned.
    static let plannedKVNotes = [
        "There are pages for keys and values of --streams sequences of --context tokens (of",
        "\(PageDemand.defaultPositionsPerSlot) each without --context) or, with --kv-memory, as "
            + "many as SIZE holds;",
        "fewer where memory is short.",
    ]
}

extension Syntax.Option {
    static let context = Syntax.Option(
        "--context", "N",
        "tokens a sequence may have, at most the model's limit (default: that, as far as pages go)")
    static let kvMemory = Syntax.Option(
        "--kv-memory", "SIZE", "memory for keys and values, of all workers together")
    static let kv = Syntax.Option(
        "--kv", "TYPE", "what KV caches hold: f16 or q8, about half the memory (default f16)")
}

extension Options {
    func cacheType() throws(UsageError) -> CacheType {
        guard let text = text("--kv") else { return .f16 }
        guard let type = CacheType(name: text) else { throw .badValue("--kv", text, "f16 or q8") }
        return type
    }
}
