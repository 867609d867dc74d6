// SPDX-License-Identifier: Apache-2.0

extension Hello: Payload {
    var byteCount: Int {
        32 + Wire.byteCount(ofText: name) + Wire.byteCount(ofText: dataAddress)
            + Wire.byteCount(ofText: isa) + Wire.byteCount(ofText: softwareVersion)
            + Limits.helloMeasuredBytes
    }

    func write(to writer: inout ByteWriter) {
        writer.u16(protocolMin)
        writer.u16(protocolMax)
        node.write(to: &writer)
        writer.u16(cores)
        writer.u16(threads)
        writer.u64(memoryBudgetBytes)
        for text in [name, dataAddress, isa, softwareVersion] {
            writer.text(text, limit: Limits.nameBytesMax)
        }
        host.write(to: &writer)
        writer.u64(freeMemoryBytes)
        speed.write(to: &writer)
    }

    init(from reader: inout ByteReader) throws(WireError) {
        let oldest = try reader.u16()
        let newest = try reader.u16()
        guard newest >= oldest else {
            throw .invalidValue(field: "protocolMax", value: "\(newest)")
        }
        let node = try NodeID(from: &reader)
        let cores = try reader.u16()
        let threads = try reader.u16()
        let memoryBudgetBytes = try reader.u64()
        self.init(
            protocolMin: oldest, protocolMax: newest, node: node,
            name: try reader.text("name", limit: Limits.nameBytesMax),
            dataAddress: try reader.text("dataAddress", limit: Limits.nameBytesMax),
            cores: cores, threads: threads,
            isa: try reader.text("isa", limit: Limits.nameBytesMax),
            softwareVersion: try reader.text("softwareVersion", limit: Limits.nameBytesMax),
            memoryBudgetBytes: memoryBudgetBytes, host: try NodeID(from: &reader),
            freeMemoryBytes: try reader.u64(), speed: try WorkerSpeed(from: &reader))
    }
}

extension WorkerSpeed {
    func write(to writer: inout ByteWriter) {
        writer.u64(readBytesPerSecond)
        writer.u64(hostReadBytesPerSecond)
        writer.u64(int8OperationsPerSecond)
        writer.u64(f32OperationsPerSecond)
        writer.u32(loopNanoseconds)
    }

    init(from reader: inout ByteReader) throws(WireError) {
        self.init(
            readBytesPerSecond: try reader.u64(), hostReadBytesPerSecond: try reader.u64(),
            int8OperationsPerSecond: try reader.u64(), f32OperationsPerSecond: try reader.u64(),
            loopNanoseconds: try reader.u32())
    }
}

extension NodeID {
    func write(to writer: inout ByteWriter) {
        writer.u64(high)
        writer.u64(low)
    }

    init(from reader: inout ByteReader) throws(WireError) {
        self.init(high: try reader.u64(), low: try reader.u64())
    }
}

extension Welcome: Payload {
    var byteCount: Int { Limits.welcomePayloadBytes }

    func write(to writer: inout ByteWriter) {
        writer.u16(protocolVersion)
        writer.u32(heartbeatMilliseconds)
    }

    init(from reader: inout ByteReader) throws(WireError) {
        self.init(protocolVersion: try reader.u16(), heartbeatMilliseconds: try reader.u32())
        try WireError.check(
            "heartbeatMilliseconds", heartbeatMilliseconds, in: 1...Limits.heartbeatMillisecondsMax)
    }
}

extension Heartbeat: Payload {
    var byteCount: Int { Limits.heartbeatPayloadBytes }

    func write(to writer: inout ByteWriter) {
        writer.u64(stepCount)
        writer.u64(rowCount)
        writer.u64(computeMicroseconds)
        writer.u64(waitMicroseconds)
        writer.u64(sendMicroseconds)
        writer.u64(residentBytes)
        writer.u32(roundTripMicroseconds)
        writer.u64(receivedBytes)
        writer.u64(sentBytes)
        writer.u32(nextRoundTripMicroseconds)
        writer.u64(nextBytesPerSecond)
        writer.u64(linkBytesPerSecond)
    }

    init(from reader: inout ByteReader) throws(WireError) {
        self.init(
            stepCount: try reader.u64(), rowCount: try reader.u64(),
            computeMicroseconds: try reader.u64(), waitMicroseconds: try reader.u64(),
            sendMicroseconds: try reader.u64(), residentBytes: try reader.u64(),
            roundTripMicroseconds: try reader.u32(), receivedBytes: try reader.u64(),
            sentBytes: try reader.u64(), nextRoundTripMicroseconds: try reader.u32(),
            nextBytesPerSecond: try reader.u64(), linkBytesPerSecond: try reader.u64())
    }
}

extension ErrorNotice: Payload {
    var byteCount: Int { 2 + 2 + Wire.byteCount(ofText: sentMessage) }

    /// The message made fit to send. It is prose about whatever went wrong, so unlike other texts
    /// it is cut to its limit at a character's end, and its control characters become spaces.
    package var sentMessage: String { sendable(message) }

    func write(to writer: inout ByteWriter) {
        writer.u16(code.rawValue)
        writer.u16(0)
        writer.text(sentMessage, limit: Limits.messageBytesMax)
    }

    init(from reader: inout ByteReader) throws(WireError) {
        let number = try reader.u16()
        guard let code = Code(rawValue: number) else {
            throw .invalidValue(field: "code", value: "\(number)")
        }
        try reader.reserved16("error")
        self.init(
            code: code, message: try reader.text("message", limit: Limits.messageBytesMax))
    }
}

extension DataHello: Payload {
    var byteCount: Int { Limits.dataHelloPayloadBytes }

    func write(to writer: inout ByteWriter) {
        writer.u16(protocolVersion)
        node.write(to: &writer)
        writer.u16(fromStage)
    }

    init(from reader: inout ByteReader) throws(WireError) {
        self.init(
            protocolVersion: try reader.u16(), node: try NodeID(from: &reader),
            fromStage: try reader.u16())
        guard fromStage < Limits.stagesMax || fromStage == Self.coordinatorStage else {
            throw .invalidValue(field: "fromStage", value: "\(fromStage)")
        }
    }
}
