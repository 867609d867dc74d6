// SPDX-License-Identifier: Apache-2.0

/// A worker's answer to a preparation: its blobs of the coming plan are there, or why not.
package struct Prepared: Sendable, Equatable {
    /// Bytes of blobs that were shipped for it.
    package var shippedBytes: UInt64
    /// One line for people; empty if nothing is missing.
    package var failure: String

    /// Of `failure`, which may quote anything, as much is kept as can be sent.
    package init(shippedBytes: UInt64, failure: String = "") {
        self.shippedBytes = shippedBytes
        self.failure = sendable(failure)
    }
}

extension Prepared: Payload {
    var byteCount: Int { 8 + Wire.byteCount(ofText: failure) }

    func write(to writer: inout ByteWriter) {
        writer.u64(shippedBytes)
        writer.text(failure, limit: Limits.messageBytesMax)
    }

    init(from reader: inout ByteReader) throws(WireError) {
        shippedBytes = try reader.u64()
        failure = try reader.text("failure", limit: Limits.messageBytesMax)
    }
}
