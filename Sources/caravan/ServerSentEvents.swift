// SPDX-License-Identifier: Apache-2.0

/// Turns the bytes of a stream of server-sent events into events, wherever the bytes are cut.
///
/// The format is that of WHATWG HTML, section 9.2.6. Of an event's fields only its data is kept:
/// the OpenAI API sends no others. An event that the stream's end cuts off never comes.
package struct ServerSentEvents {
    package enum Event: Equatable {
        /// The event's data; its lines are joined by line feeds.
        case data(String)
        /// A line that says nothing but that the sender lives.
        case comment
    }

    /// Far more than an event of one token with all its alternatives.
    package static let lineBytesMax = 1 << 20
    /// Of all data lines of an event together.
    package static let dataBytesMax = 1 << 20

    private var line: [UInt8] = []
    /// nil until the event has a data line.
    private var data: [UInt8]?
    /// A line feed that comes next belongs to the same line end.
    private var endsWithReturn = false
    private var isFirstLine = true

    package init() {}

    /// The events that `bytes` complete.
    package mutating func take(
        _ bytes: some Sequence<UInt8>
    ) throws(ServerSentEventsFault) -> [Event] {
        var events: [Event] = []
        for byte in bytes {
            let belongsToReturn = endsWithReturn && byte == UInt8(ascii: "\n")
            endsWithReturn = byte == UInt8(ascii: "\r")
            if belongsToReturn { continue }
            if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") {
                if let event = try endLine() { events.append(event) }
            } else {
                guard line.count < Self.lineBytesMax else {
                    throw .lineTooLong(limit: Self.lineBytesMax)
                }
                line.append(byte)
            }
        }
        return events
    }

    private mutating func endLine() throws(ServerSentEventsFault) -> Event? {
        defer { line.removeAll(keepingCapacity: true) }
        let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
        if isFirstLine, line.starts(with: byteOrderMark) { line.removeFirst(3) }
        isFirstLine = false
        guard !line.isEmpty else {
            defer { data = nil }
            return data.map { .data(String(decoding: $0, as: UTF8.self)) }
        }
        let colon = line.firstIndex(of: UInt8(ascii: ":")) ?? line.endIndex
        if colon == 0 { return .comment }
        guard line[..<colon].elementsEqual("data".utf8) else { return nil }
        var value = line[colon...].dropFirst()
        if value.first == UInt8(ascii: " ") { value.removeFirst() }
        let joinedCount = (data.map { $0.count + 1 } ?? 0) + value.count
        guard joinedCount <= Self.dataBytesMax else {
            throw .dataTooLong(limit: Self.dataBytesMax)
        }
        if data == nil { data = [] } else { data?.append(UInt8(ascii: "\n")) }
        data?.append(contentsOf: value)
        return nil
    }
}

/// What makes a stream of events unreadable.
package enum ServerSentEventsFault: Error, Equatable, CustomStringConvertible {
    case lineTooLong(limit: Int)
    case dataTooLong(limit: Int)

    package var description: String {
        switch self {
        case .lineTooLong(let limit): "a line of the event stream is longer than \(limit) bytes"
        case .dataTooLong(let limit): "the data of an event is longer than \(limit) bytes"
        }
    }
}
