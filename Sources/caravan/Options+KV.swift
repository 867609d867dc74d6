// SPDX-License-Identifier: Apache-2.0

import Wire

extension Syntax.Option {
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
