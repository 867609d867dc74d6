// SPDX-License-Identifier: Apache-2.0

extension Assignment: Payload {
    var byteCount: Int {
        let head = ModelShape.byteCount + 36 + Wire.byteCount(ofText: nextAddress) + 4
        return blobs.reduce(head) { $0 + $1.byteCountOnWire }
    }

    func write(to writer: inout ByteWriter) {
        precondition(blobs.count <= Limits.blobsMax, "\(blobs.count) blobs are too many")
        shape.write(to: &writer)
        writer.u16(stage)
        writer.u16(stageCount)
        writer.u32(layerStart)
        writer.u32(layerEnd)
        writer.u32(slotCount)
        writer.u32(contextLength)
        writer.u32(rowCountMax)
        writer.u8(wireType.rawValue)
        writer.u8(cacheType.rawValue)
        writer.u16(0)
        writer.u32(pageCount)
        writer.u32(pagePositionCount)
        writer.text(nextAddress, limit: Limits.nameBytesMax)
        writer.u32(UInt32(blobs.count))
        for blob in blobs { blob.write(to: &writer) }
    }

    init(from reader: inout ByteReader) throws(WireError) {
        self.init(
            shape: try ModelShape(from: &reader),
            stage: try reader.u16(), stageCount: try reader.u16(),
            layerStart: try reader.u32(), layerEnd: try reader.u32(),
            slotCount: try reader.u32(), contextLength: try reader.u32(),
            rowCountMax: try reader.u32(), wireType: .f32, pageCount: 0, pagePositionCount: 0,
            cacheType: .f16, nextAddress: "", blobs: [])
        try checkStage()
        let number = try reader.u8()
        guard let type = WireType(rawValue: number), type.takes(width: Int(shape.embeddingLength))
        else { throw .invalidValue(field: "wireType", value: "\(number)") }
        wireType = type
        try readCache(from: &reader)
        nextAddress = try reader.text("nextAddress", limit: Limits.nameBytesMax)
        let count = Int(try reader.u32())
        try reader.check(
            "blobCount", count: count, limit: Limits.blobsMax, size: BlobDescription.byteCountMin)
        blobs.reserveCapacity(count)
        for _ in 0..<count { blobs.append(try BlobDescription(from: &reader)) }
    }

    private mutating func readCache(from reader: inout ByteReader) throws(WireError) {
        let number = try reader.u8()
        guard let type = CacheType(rawValue: number) else {
            throw .invalidValue(field: "cacheType", value: "\(number)")
        }
        cacheType = type
        try reader.reserved16("assignment")
        pageCount = try reader.u32()
        try WireError.check("pageCount", pageCount, in: 1...Limits.pagesMax)
        pagePositionCount = try reader.u32()
        let unit = Limits.pagePositionsUnit
        try WireError.check(
            "pagePositionCount", pagePositionCount, in: unit...Limits.pagePositionsMax)
        guard pagePositionCount % unit == 0 else {
            throw .invalidValue(field: "pagePositionCount", value: "\(pagePositionCount)")
        }
    }

    private func checkStage() throws(WireError) {
        try WireError.check("stageCount", stageCount, in: 1...UInt16(Limits.stagesMax))
        try WireError.check("stage", stage, in: 0...stageCount - 1)
        try WireError.check("layerEnd", layerEnd, in: 1...shape.layerCount)
        try WireError.check("layerStart", layerStart, in: 0...layerEnd - 1)
        try WireError.check("slotCount", slotCount, in: 1...Limits.slotsMax)
        try WireError.check("contextLength", contextLength, in: 1...Limits.contextLengthMax)
        try WireError.check("rowCountMax", rowCountMax, in: 1...UInt32(Limits.rowsMax))
    }
}

extension ModelShape {
    static let byteCount = 48

    func write(to writer: inout ByteWriter) {
        for number in [
            layerCount, embeddingLength, feedForwardLength, headCount, headCountKV, headSize,
            ropeDimensionCount, vocabularySize, contextLength,
        ] {
            writer.u32(number)
        }
        writer.f32(ropeBase)
        writer.f32(ropeScale)
        writer.f32(rmsEpsilon)
    }

    init(from reader: inout ByteReader) throws(WireError) {
        self.init(
            layerCount: try reader.u32(), embeddingLength: try reader.u32(),
            feedForwardLength: try reader.u32(), headCount: try reader.u32(),
            headCountKV: try reader.u32(), headSize: try reader.u32(),
            ropeDimensionCount: try reader.u32(), vocabularySize: try reader.u32(),
            contextLength: try reader.u32(), ropeBase: try reader.f32(),
            ropeScale: try reader.f32(), rmsEpsilon: try reader.f32())
        try WireError.check("layerCount", layerCount, in: 1...Limits.layersMax)
        try WireError.check("embeddingLength", embeddingLength, in: 1...UInt32(Limits.widthMax))
        try WireError.check(
            "feedForwardLength", feedForwardLength, in: 1...Limits.feedForwardLengthMax)
        try WireError.check("headCount", headCount, in: 1...Limits.headsMax)
        try WireError.check("headCountKV", headCountKV, in: 1...headCount)
        try WireError.check("headSize", headSize, in: 1...Limits.headSizeMax)
        try WireError.check("ropeDimensionCount", ropeDimensionCount, in: 0...headSize)
        try WireError.check("vocabularySize", vocabularySize, in: 1...UInt32(Limits.vocabularyMax))
        try WireError.check("contextLength", contextLength, in: 1...Limits.contextLengthMax)
        let largest = Float.greatestFiniteMagnitude
        try WireError.check("ropeBase", ropeBase, in: Float.leastNonzeroMagnitude...largest)
        try WireError.check("ropeScale", ropeScale, in: Float.leastNonzeroMagnitude...largest)
        try WireError.check("rmsEpsilon", rmsEpsilon, in: 0...largest)
    }
}
