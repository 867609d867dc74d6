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
    package var metadata: [GGUFHeader.Entry] = []
    package var tensors: [TensorSource] = []

    package init() {}

    /// Replaces the value of `key`, or adds it.
    package mutating func set(_ key: String, _ value: GGUFValue) {
        set(GGUFHeader.Entry(key, value))
    }

    /// The same with a value of any type number and any bytes.
    package mutating func set(_ key: String, rawType: UInt32, _ bytes: [UInt8]) {
        set(GGUFHeader.Entry(key, type: rawType, bytes: bytes))
    }

    private mutating func set(_ entry: GGUFHeader.Entry) {
        if let index = metadata.firstIndex(where: { $0.key == entry.key }) {
            metadata[index] = entry
        } else {
            metadata.append(entry)
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
        var header = GGUFHeader()
        header.version = version
        header.metadata = metadata
        if alignment != 32 {
            let value = GGUFValue.uint32(UInt32(alignment))
            header.metadata.append(GGUFHeader.Entry("general.alignment", value))
        }
        var offset = 0
        for tensor in tensors {
            header.tensors.append(
                GGUFHeader.TensorLine(
                    name: tensor.name, type: tensor.type, shape: tensor.shape,
                    offset: tensor.offset ?? UInt64(offset)))
            offset = (offset + tensor.bytes.count + alignment - 1) / alignment * alignment
        }
        return header.encoded()
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
