// SPDX-License-Identifier: Apache-2.0

import Model
package import Platform

/// Bytes that can be read piece by piece, such as a blob's.
package protocol ByteSource: Sendable {
    var byteCount: Int { get }

    /// The caller keeps the range inside `0..<byteCount`.
    func read(offset: Int, count: Int) throws(FileError) -> [UInt8]
}

extension Blob: ByteSource {}
