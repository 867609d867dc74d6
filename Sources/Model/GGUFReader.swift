// SPDX-License-Identifier: Apache-2.0

import Platform

/// Reads the pieces of a GGUF header in the order in which they lie.
struct GGUFReader {
    private var cursor: FileCursor
    private var arrayElementsLeft = GGUFLimits.arrayElementCountMax
    private var textBytesLeft = GGUFLimits.textByteCountMax

    init(file: MappedFile) { cursor = FileCursor(file: file) }

    var offset: Int { cursor.offset }

    /// Checks magic and version and returns how many entries follow, each count plausible.
    mutating func header() throws(GGUFFault) -> (tensors: Int, metadata: Int) {
        let magic = try read("the header") { cursor throws(FileCursorError) in
            try cursor.bytes(UInt64(min(4, cursor.remainingByteCount)))
        }
        guard magic == Array("GGUF".utf8) else { throw .magic(magic) }
        let version = try uint32("the header")
        guard version == 0 || version & 0xFFFF != 0 else { throw .bigEndian }
        guard version == 2 || version == 3 else { throw .version(version) }
        let tensors = try uint64("the header")
        let metadata = try uint64("the header")
        let left = UInt64(cursor.remainingByteCount)
        try check(
            metadata, "the metadata table",
            min(left / GGUFLimits.metadataEntryByteCountMin, GGUFLimits.metadataEntryCountMax))
        try check(
            tensors, "the tensor table",
            min(left / GGUFLimits.tensorEntryByteCountMin, GGUFLimits.tensorCountMax))
        return (Int(tensors), Int(metadata))
    }

    mutating func metadata(entryCount: Int) throws(GGUFFault) -> Metadata {
        var metadata = Metadata()
        for _ in 0..<entryCount {
            let start = offset
            guard let key = try name("a metadata key", GGUFLimits.keyByteCountMax) else {
                throw .keyText(offset: start)
            }
            let type = try uint32(key)
            let value = try value(type, key, depth: 0)
            guard metadata.insert(key, value) else { throw .duplicateKey(key) }
        }
        return metadata
    }

    mutating func tensorEntries(count: Int) throws(GGUFFault) -> [GGUFTensorEntry] {
        var names: Set<String> = []
        var entries: [GGUFTensorEntry] = []
        entries.reserveCapacity(count)
        for _ in 0..<count {
            let start = offset
            guard let name = try name("a tensor name", GGUFLimits.tensorNameByteCountMax) else {
                throw .tensorName(offset: start)
            }
            guard names.insert(name).inserted else { throw .duplicateTensor(name) }
            entries.append(try tensorEntry(name))
        }
        return entries
    }

    private mutating func tensorEntry(_ name: String) throws(GGUFFault) -> GGUFTensorEntry {
        let count = try uint32(name)
        guard count >= 1, count <= GGUFLimits.dimensionCountMax else {
            throw .dimensionCount(tensor: name, count: count)
        }
        var shape: [Int] = []
        for index in 0..<Int(count) {
            let value = try uint64(name)
            guard let dimension = Int(exactly: value), dimension > 0 else {
                throw .dimension(tensor: name, index: index, value: value)
            }
            shape.append(dimension)
        }
        let number = try uint32(name)
        guard let type = ElementType(rawValue: number) else {
            throw .elementType(tensor: name, type: number)
        }
        return GGUFTensorEntry(name: name, type: type, shape: shape, offset: try uint64(name))
    }

    /// A key or tensor name; nil where it is empty, over `limit` bytes or not UTF-8.
    private mutating func name(_ what: String, _ limit: UInt64) throws(GGUFFault) -> String? {
        let length = try uint64(what)
        guard length > 0, length <= limit else { return nil }
        let bytes = try read(what) { cursor throws(FileCursorError) in try cursor.bytes(length) }
        return String(validating: bytes, as: UTF8.self)
    }

    // MARK: Steps of the cursor, with the fault that says where the file ended

    mutating func uint8(_ what: String) throws(GGUFFault) -> UInt8 {
        try read(what) { cursor throws(FileCursorError) in try cursor.uint8() }
    }

    mutating func uint16(_ what: String) throws(GGUFFault) -> UInt16 {
        try read(what) { cursor throws(FileCursorError) in try cursor.uint16() }
    }

    mutating func uint32(_ what: String) throws(GGUFFault) -> UInt32 {
        try read(what) { cursor throws(FileCursorError) in try cursor.uint32() }
    }

    mutating func uint64(_ what: String) throws(GGUFFault) -> UInt64 {
        try read(what) { cursor throws(FileCursorError) in try cursor.uint64() }
    }

    /// A value's text: its length is held against the file's end and the file's text budget.
    mutating func text(_ what: String) throws(GGUFFault) -> String {
        let length = try uint64(what)
        try check(length, what, min(UInt64(cursor.remainingByteCount), textBytesLeft))
        textBytesLeft -= length
        return try read(what) { cursor throws(FileCursorError) in try cursor.text(length) }
    }

    /// An array's element count, held against the rest of the file and the file's budget.
    mutating func arrayCount(
        _ what: String, elementByteCountMin: UInt64
    ) throws(GGUFFault) -> Int {
        let count = try uint64(what)
        let plausible = UInt64(cursor.remainingByteCount) / elementByteCountMin
        try check(count, what, min(plausible, arrayElementsLeft))
        arrayElementsLeft -= count
        return Int(count)
    }

    private func check(_ count: UInt64, _ what: String, _ limit: UInt64) throws(GGUFFault) {
        guard count <= limit else { throw .tooMany(what: what, count: count, limit: limit) }
    }

    private mutating func read<T>(
        _ what: String, _ body: (inout FileCursor) throws(FileCursorError) -> T
    ) throws(GGUFFault) -> T {
        do {
            return try body(&cursor)
        } catch {
            throw .truncated(what: what, offset: error.offset)
        }
    }
}
