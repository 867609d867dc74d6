// SPDX-License-Identifier: Apache-2.0

/// A number of bytes as people read it: `812 MiB`, `1.5 GiB`.
package struct ByteCount: CustomStringConvertible {
    package let bytes: UInt64

    package init(_ bytes: UInt64) { self.bytes = bytes }

    package var description: String {
        var unit: UInt64 = 1
        var name = "bytes"
        for next in ["KiB", "MiB", "GiB", "TiB"] where bytes / unit >= 1024 {
            unit *= 1024
            name = next
        }
        let tenths = UInt64((Double(bytes) / Double(unit) * 10).rounded())
        return tenths % 10 == 0 || tenths >= 1000
            ? "\((tenths + 5) / 10) \(name)" : "\(tenths / 10).\(tenths % 10) \(name)"
    }
}
