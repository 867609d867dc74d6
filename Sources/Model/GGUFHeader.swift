// SPDX-License-Identifier: Apache-2.0

/// What stands before a GGUF file's tensor data, as values to be written.
///
/// Nothing is checked: tests write faulty headers with it. Source: the GGUF specification (ggml,
/// docs/gguf.md), version 3.
package struct GGUFHeader: Sendable {
    /// A metadata key with its value, encoded.
    package struct Entry: Sendable {
        package var key: String
        package var type: UInt32
        package var bytes: [UInt8]

        package init(_ key: String, type: UInt32, bytes: [UInt8]) {
            self.key = key
            self.type = type
            self.bytes = bytes
        }

        package init(_ key: String, _ value: GGUFValue) {
            self.init(key, type: value.typeNumber, bytes: [])
            value.write(to: &bytes)
        }
    }

    /// A line of the tensor table; `offset` counts from the start of the tensor data.
    package struct TensorLine: Sendable {
        package var name: String
        package var type: UInt32
        package var shape: [UInt64]
        package var offset: UInt64

        package init(name: String, type: UInt32, shape: [UInt64], offset: UInt64) {
            self.name = name
            self.type = type
            self.shape = shape
            self.offset = offset
        }
    }

    package var version: UInt32 = 3
    package var metadata: [Entry] = []
    package var tensors: [TensorLine] = []

    package init() {}

    /// Magic, counts, metadata and tensor table, without the padding that follows.
    package func encoded() -> [UInt8] {
        var out = Array("GGUF".utf8)
        out.append(littleEndian: version)
        out.append(littleEndian: UInt64(tensors.count))
        out.append(littleEndian: UInt64(metadata.count))
        for entry in metadata {
            out.append(text: entry.key)
            out.append(littleEndian: entry.type)
            out += entry.bytes
        }
        for tensor in tensors {
            out.append(text: tensor.name)
            out.append(littleEndian: UInt32(tensor.shape.count))
            for dimension in tensor.shape { out.append(littleEndian: dimension) }
            out.append(littleEndian: tensor.type)
            out.append(littleEndian: tensor.offset)
        }
        return out
    }
}

extension [UInt8] {
    package mutating func append<T: FixedWidthInteger>(littleEndian value: T) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }

    /// A length of eight bytes, then UTF-8.
    package mutating func append(text: String) {
        append(littleEndian: UInt64(text.utf8.count))
        append(contentsOf: text.utf8)
    }

    package mutating func pad(to alignment: Int) {
        append(contentsOf: repeatElement(0, count: (alignment - count % alignment) % alignment))
    }
}
