// SPDX-License-Identifier: Apache-2.0

package import Model

/// Writes small GGUF files, sound ones by default; tests then break them as they like.
package struct GGUFBuilder {
    package struct TensorSource {
        package var name: String
        package var type: UInt32
        package var shape: [UInt64]
        package var bytes: [UInt8]
        /// Overrides the offset from the start of the tensor data.
        package var offset: UInt64?
    }

    package var version: UInt32 = 3
    /// Written as `general.alignment` unless 32.
    package var alignment = 32
    package var metadata: [(key: String, value: GGUFValue)] = []
    package var tensors: [TensorSource] = []

    package init() {}

    /// Replaces the value of `key`, or adds it.
    package mutating func set(_ key: String, _ value: GGUFValue) {
        if let index = metadata.firstIndex(where: { $0.key == key }) {
            metadata[index].value = value
        } else {
            metadata.append((key, value))
        }
    }

    package mutating func remove(_ key: String) { metadata.removeAll { $0.key == key } }

    /// Adds a tensor; `bytes` should be as many as type and shape ask for.
    package mutating func add(
        _ name: String, _ type: ElementType, _ shape: [Int], _ bytes: [UInt8]
    ) {
        tensors.append(
            TensorSource(
                name: name, type: type.rawValue, shape: shape.map(UInt64.init), bytes: bytes,
                offset: nil))
    }

    /// The whole file.
    package func bytes() -> [UInt8] {
        var out = header()
        out.pad(to: alignment)
        for tensor in tensors {
            out += tensor.bytes
            out.pad(to: alignment)
        }
        return out
    }

    /// Magic, counts, metadata and tensor table.
    package func header() -> [UInt8] {
        var metadata = metadata
        if alignment != 32 {
            metadata.append(("general.alignment", .uint32(UInt32(alignment))))
        }
        var out = Array("GGUF".utf8)
        out.append(littleEndian: version)
        out.append(littleEndian: UInt64(tensors.count))
        out.append(littleEndian: UInt64(metadata.count))
        for (key, value) in metadata {
            out.append(text: key)
            out.append(littleEndian: value.typeNumber)
            value.write(to: &out)
        }
        var offset: UInt64 = 0
        for tensor in tensors {
            out.append(text: tensor.name)
            out.append(littleEndian: UInt32(tensor.shape.count))
            for dimension in tensor.shape { out.append(littleEndian: dimension) }
            out.append(littleEndian: tensor.type)
            out.append(littleEndian: tensor.offset ?? offset)
            let end = Int(offset) + tensor.bytes.count
            offset = UInt64((end + alignment - 1) / alignment * alignment)
        }
        return out
    }

    /// The same model as `count` files, cut after about equal numbers of tensors.
    package func parts(_ count: Int) -> [GGUFBuilder] {
        (0..<count).map { number in
            var part = GGUFBuilder()
            part.version = version
            part.alignment = alignment
            part.metadata = number == 0 ? metadata : []
            let start = tensors.count * number / count
            let end = tensors.count * (number + 1) / count
            part.tensors = Array(tensors[start..<end])
            part.set("split.no", .uint16(UInt16(number)))
            part.set("split.count", .uint16(UInt16(count)))
            part.set("split.tensors.count", .int32(Int32(tensors.count)))
            return part
        }
    }
}

extension [UInt8] {
    package mutating func append<T: FixedWidthInteger>(littleEndian value: T) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }

    package mutating func append(text: String) {
        append(littleEndian: UInt64(text.utf8.count))
        append(contentsOf: text.utf8)
    }

    package mutating func pad(to alignment: Int) {
        append(contentsOf: repeatElement(0, count: (alignment - count % alignment) % alignment))
    }
}
