// SPDX-License-Identifier: Apache-2.0

/// What makes a file unsound as GGUF. Texts from the file are cleaned before they are shown.
package enum GGUFFault: Error, Equatable, CustomStringConvertible {
    case magic([UInt8])
    case bigEndian
    case version(UInt32)
    /// The file ends inside `what`.
    case truncated(what: String, offset: Int)
    /// More of something than the rest of the file, or the limit, can hold.
    case tooMany(what: String, count: UInt64, limit: UInt64)
    case keyText(offset: Int)
    case duplicateKey(String)
    case valueType(key: String, type: UInt32)
    case nesting(key: String, limit: Int)
    case boolean(key: String, value: UInt8)
    case alignment(String)
    case tensorName(offset: Int)
    case duplicateTensor(String)
    case dimensionCount(tensor: String, count: UInt32)
    case dimension(tensor: String, index: Int, value: UInt64)
    case tensorSize(String)
    case elementType(tensor: String, type: UInt32)
    case rowLength(tensor: String, length: Int, type: ElementType)
    case misplaced(tensor: String, offset: UInt64, alignment: Int)
    case outsideFile(tensor: String, end: UInt64, fileByteCount: Int)
    case overlap(tensor: String, other: String)

    package var description: String {
        headerText ?? metadataText ?? tensorText ?? "is not a sound GGUF file"
    }

    private var headerText: String? {
        switch self {
        case .magic(let bytes):
            "is not a GGUF file (it begins with the bytes \(bytes)); name a .gguf file"
        case .bigEndian: "is a big-endian GGUF file; convert it to little-endian"
        case .version(let version):
            "is GGUF version \(version); supported: 2 and 3; convert the model again"
        case .truncated(let what, let offset):
            "ends inside \(what.inMessage) at byte \(offset); download it again"
        case .tooMany(let what, let count, let limit):
            "\(what.inMessage) has a count or length of \(count) where at most \(limit) can be; "
                + "the file is damaged"
        default: nil
        }
    }

    private var metadataText: String? {
        switch self {
        case .keyText(let offset):
            "the metadata key at byte \(offset) is empty, too long or not UTF-8"
        case .duplicateKey(let key): "the metadata key \(key.inMessage) is there twice"
        case .valueType(let key, let type): "\(key.inMessage) has the unknown value type \(type)"
        case .nesting(let key, let limit):
            "\(key.inMessage) nests arrays more than \(limit) levels deep"
        case .boolean(let key, let value):
            "\(key.inMessage) is a boolean of value \(value), not 0 or 1"
        case .alignment(let value):
            "general.alignment is \(value) but must be a power of two up to "
                + "\(GGUFLimits.alignmentMax)"
        default: nil
        }
    }

    private var tensorText: String? {
        switch self {
        case .tensorName(let offset):
            "the tensor name at byte \(offset) is empty, too long or not UTF-8"
        case .duplicateTensor(let name): "tensor \(name.inMessage) is there twice"
        case .dimensionCount(let tensor, let count):
            "tensor \(tensor.inMessage) has \(count) dimensions; 1 to "
                + "\(GGUFLimits.dimensionCountMax) are possible"
        case .dimension(let tensor, let index, let value):
            "dimension \(index) of tensor \(tensor.inMessage) is \(value)"
        case .tensorSize(let tensor): "the size of tensor \(tensor.inMessage) overflows"
        case .elementType(let tensor, let type):
            "tensor \(tensor.inMessage) has the element type number \(type), which is not known; "
                + "supported: \(ElementType.supportedNames)"
        case .rowLength(let tensor, let length, let type):
            "rows of tensor \(tensor.inMessage) have \(length) elements, not a multiple of "
                + "\(type.name)'s block of \(type.blockElementCount)"
        case .misplaced(let tensor, let offset, let alignment):
            "tensor \(tensor.inMessage) is at offset \(offset), not a multiple of the alignment "
                + "\(alignment)"
        case .outsideFile(let tensor, let end, let fileByteCount):
            "tensor \(tensor.inMessage) ends at byte \(end) of a file of \(fileByteCount) bytes; "
                + "download it again"
        case .overlap(let tensor, let other):
            "tensors \(tensor.inMessage) and \(other.inMessage) overlap"
        default: nil
        }
    }
}
