// SPDX-License-Identifier: Apache-2.0

/// A worker's word that it can't reach the next stage of its plan.
package struct Stranded: Sendable, Equatable {
    /// One line for people.
    package var reason: String

    /// Of `reason`, which may quote anything, as much is kept as can be sent.
    package init(reason: String) {
        self.reason = sendable(reason)
    }
}

extension Stranded: Payload {
    var byteCount: Int { Wire.byteCount(ofText: reason) }

    func write(to writer: inout ByteWriter) {
        writer.text(reason, limit: Limits.messageBytesMax)
    }

    init(from reader: inout ByteReader) throws(WireError) {
        reason = try reader.text("reason", limit: Limits.messageBytesMax)
    }
}
