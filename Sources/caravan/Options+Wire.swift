// SPDX-License-Identifier: Apache-2.0

import Wire

extension Syntax.Option {
    static let wire = Syntax.Option(
        "--wire", "TYPE", "activations between workers: f32 (exact), f16 or q8 (default f32)")
}

extension Options {
    /// `--wire`.
    func wireType() throws(UsageError) -> WireType {
        guard let text = text("--wire") else { return .f32 }
        guard let type = WireType(name: text) else {
            throw .badValue("--wire", text, "f32, f16 or q8")
        }
        return type
    }
}
