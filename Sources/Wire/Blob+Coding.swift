// SPDX-License-Identifier: Apache-2.0

extension BlobDigest {
    static let byteCount = 32

    init(from reader: inout ByteReader) throws(WireError) {
        let bytes = try reader.rawBytes(Self.byteCount)
        guard let digest = BlobDigest(bytes) else {
            throw .truncated(needed: Self.byteCount, available: bytes.count)
        }
        self = digest
    }
}

extension BlobDescription {
    static let byteCountMin = BlobDigest.byteCount + 8 + 4

    var byteCountOnWire: Int {
        tensors.reduce(Self.byteCountMin) { $0 + $1.byteCountOnWire }
    }

    func write(to writer: inout ByteWriter) {
        precondition(tensors.count <= Limits.tensorsPerBlobMax, "too many tensors in a blob")
        writer.rawBytes(digest.bytes)
        writer.u64(byteCount)
        writer.u32(UInt32(tensors.count))
        for tensor in tensors { tensor.write(to: &writer) }
    }

    init(from reader: inout ByteReader) throws(WireError) {
        self.init(
            digest: try BlobDigest(from: &reader), byteCount: try reader.u64(), tensors: [])
        try WireError.check("byteCount", byteCount, in: 1...Limits.blobBytesMax)
        let count = Int(try reader.u32())
        try reader.check(
            "tensorCount", count: count, limit: Limits.tensorsPerBlobMax,
            size: TensorDescription.byteCountMin)
        tensors.reserveCapacity(count)
        for _ in 0..<count {
            let tensor = try TensorDescription(from: &reader)
            try WireError.check("offset", tensor.offset, in: 0...byteCount - 1)
            tensors.append(tensor)
        }
    }
}

extension TensorDescription {
    /// With an empty name and one dimension.
    static let byteCountMin = 2 + 4 + 1 + 8 + 8

    var byteCountOnWire: Int { Wire.byteCount(ofText: name) + 4 + 1 + 8 * shape.count + 8 }

    func write(to writer: inout ByteWriter) {
        precondition((1...Limits.dimensionsMax).contains(shape.count), "\(name) has a bad shape")
        writer.text(name, limit: Limits.nameBytesMax)
        writer.u32(type)
        writer.u8(UInt8(shape.count))
        for dimension in shape { writer.u64(dimension) }
        writer.u64(offset)
    }

    init(from reader: inout ByteReader) throws(WireError) {
        let name = try reader.text("tensor name", limit: Limits.nameBytesMax)
        let type = try reader.u32()
        let dimensionCount = Int(try reader.u8())
        try WireError.check("dimensionCount", dimensionCount, in: 1...Limits.dimensionsMax)
        var shape: [UInt64] = []
        for _ in 0..<dimensionCount {
            let dimension = try reader.u64()
            try WireError.check("dimension", dimension, in: 1...UInt64.max)
            shape.append(dimension)
        }
        self.init(name: name, type: type, shape: shape, offset: try reader.u64())
    }
}

extension BlobRequest: Payload {
    var byteCount: Int { Limits.blobRequestPayloadBytes }

    func write(to writer: inout ByteWriter) {
        writer.rawBytes(digest.bytes)
        writer.u64(offset)
        writer.u64(count)
    }

    init(from reader: inout ByteReader) throws(WireError) {
        self.init(
            digest: try BlobDigest(from: &reader), offset: try reader.u64(),
            count: try reader.u64())
        try WireError.check("count", count, in: 1...UInt64.max)
    }
}

extension BlobChunk: Payload {
    var byteCount: Int { BlobDigest.byteCount + 8 + 4 + bytes.count }

    func write(to writer: inout ByteWriter) {
        precondition(
            (1...Limits.blobChunkBytesMax).contains(bytes.count), "a chunk of \(bytes.count) bytes")
        writer.rawBytes(digest.bytes)
        writer.u64(offset)
        writer.u32(UInt32(bytes.count))
        writer.rawBytes(bytes)
    }

    init(from reader: inout ByteReader) throws(WireError) {
        let digest = try BlobDigest(from: &reader)
        let offset = try reader.u64()
        let count = Int(try reader.u32())
        guard count > 0 else { throw .invalidValue(field: "count", value: "0") }
        try reader.check("count", count: count, limit: Limits.blobChunkBytesMax, size: 1)
        try WireError.check("offset", offset, in: 0...UInt64.max - UInt64(count))
        self.init(digest: digest, offset: offset, bytes: try reader.rawBytes(count))
    }
}

extension Ready: Payload {
    var byteCount: Int { Limits.readyPayloadBytes }

    func write(to writer: inout ByteWriter) {
        writer.u64(residentBytes)
        writer.u64(shippedBytes)
    }

    init(from reader: inout ByteReader) throws(WireError) {
        self.init(residentBytes: try reader.u64(), shippedBytes: try reader.u64())
    }
}
