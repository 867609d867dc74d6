// SPDX-License-Identifier: Apache-2.0

/// Bytes on their way to a client that may read slowly; bounded.
struct OutputBuffer {
    enum Portion: Equatable {
        case bytes(ArraySlice<UInt8>)
        /// Nothing now, more later.
        case nothing
        case end
        /// The reader was too slow, or the stream was given up: close the connection.
        case broken
    }

    private enum Ending { case open, ended, broken }

    private let capacity: Int
    private var bytes: [UInt8] = []
    private var offset = 0
    private var ending = Ending.open

    init(capacity: Int) { self.capacity = capacity }

    var isOpen: Bool { ending == .open }
    var isBroken: Bool { ending == .broken }

    /// Adds `more`; breaks when the reader is too far behind.
    mutating func append(_ more: [UInt8]) {
        guard ending == .open else { return }
        guard bytes.count - offset + more.count <= capacity else {
            giveUp()
            return
        }
        if offset > 0, offset * 2 >= bytes.count {
            bytes.removeFirst(offset)
            offset = 0
        }
        bytes += more
    }

    /// What is inside is still to be read; nothing more is added.
    mutating func finish() { if ending == .open { ending = .ended } }

    /// Drops what is inside.
    mutating func giveUp() {
        ending = .broken
        bytes = []
        offset = 0
    }

    /// Takes out at most `countMax` bytes.
    mutating func take(_ countMax: Int) -> Portion {
        if ending == .broken { return .broken }
        let count = min(countMax, bytes.count - offset)
        guard count > 0 else { return ending == .ended ? .end : .nothing }
        defer { offset += count }
        return .bytes(bytes[offset..<offset + count])
    }
}
