// SPDX-License-Identifier: Apache-2.0

import Platform
import Wire

/// A peer that speaks frames, or anything else, without a `Link`.
final class WireClient {
    private let stream: ByteStream

    /// Connects, and shakes hands if `security` says so.
    init(_ address: SocketAddress, _ security: StreamSecurity = TestCluster.security) throws {
        stream = try ByteStream(
            connectingTo: address, security: security, timeout: TestCluster.patience,
            writeTimeout: TestCluster.patience)
        _ = try stream.open(timeout: TestCluster.patience)
    }

    /// Over a connection that came in.
    init(_ stream: ByteStream) throws {
        self.stream = stream
        _ = try stream.open(timeout: TestCluster.patience)
    }

    func close() { stream.shutDown() }

    /// False once the other side no longer takes anything.
    @discardableResult
    func send(_ bytes: [UInt8]) -> Bool { (try? stream.write(bytes)) != nil }

    @discardableResult
    func send(_ message: Message, epoch: UInt32 = 0, id: UInt64 = 0) -> Bool {
        send(Frame(epoch: epoch, id: id, message: message).encoded())
    }

    /// The next frame that is no probe, which are answered; nil when the connection has ended.
    func receive() -> Frame? {
        while let frame = receiveAny() {
            guard case .probe(let probe) = frame.message else { return frame }
            send(.probeAnswer(ProbeAnswer(count: UInt32(probe.filler.count))), id: frame.id)
        }
        return nil
    }

    /// The next frame.
    func receiveAny() -> Frame? {
        let patience = TestCluster.patience
        guard let head = try? stream.read(count: Limits.headerBytes, timeout: patience),
            let header = try? FrameHeader(decoding: head),
            let payload = try? stream.read(count: header.payloadLength, timeout: patience)
        else { return nil }
        return try? Frame(header: header, payload: payload)
    }

    /// The error that the other side sends before it closes; nil when it closes without one.
    func awaitError() -> ErrorNotice.Code? {
        var code: ErrorNotice.Code?
        while let frame = receive() {
            if case .error(let notice) = frame.message { code = code ?? notice.code }
        }
        return code
    }

    /// Whether the other side ends the connection.
    func awaitEnd() -> Bool {
        do {
            while try stream.read(count: 1, timeout: TestCluster.patience) != nil {}
            return true
        } catch {
            if case .timedOut = error { return false }
            return true
        }
    }
}

extension Hello {
    static func test(
        versions: ClosedRange<UInt16> = 1...1, dataAddress: String = "127.0.0.1:1",
        memory: UInt64 = 1 << 30, node: NodeID = NodeID(high: 7, low: 7)
    ) -> Hello {
        Hello(
            protocolMin: versions.lowerBound, protocolMax: versions.upperBound, node: node,
            name: "stranger", dataAddress: dataAddress, cores: .max, threads: .max, isa: "none",
            softwareVersion: "0", memoryBudgetBytes: memory)
    }
}
