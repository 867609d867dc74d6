// SPDX-License-Identifier: Apache-2.0

package import Platform

/// Why a model file cannot be used.
package enum ModelFileError: Error, Equatable, CustomStringConvertible {
    /// It cannot be opened or mapped.
    case file(FileError)
    /// It is not a sound GGUF file.
    case format(path: String, GGUFFault)
    /// The parts of a split model do not belong together.
    case split(path: String, SplitFault)
    /// It is sound, but not a model that can be run.
    case model(path: String, ModelFault)

    package var description: String {
        switch self {
        case .file(let error): error.description
        case .format(let path, let fault): "\(path): \(fault)"
        case .split(let path, let fault): "\(path): \(fault)"
        case .model(let path, let fault): "\(path): \(fault)"
        }
    }
}

/// What is wrong between the parts of a split model.
package enum SplitFault: Error, Equatable, CustomStringConvertible {
    case name(partCount: Int)
    case partCount(expected: Int, found: Int?)
    case partNumber(expected: Int, found: Int?)
    case tensorCount(expected: Int, found: Int)

    package var description: String {
        switch self {
        case .name(let count):
            "is one of \(count) parts but is not named NAME-00001-of-00003.gguf; "
                + "give the parts their original names"
        case .partCount(let expected, let found):
            "split.count is \(found.map(String.init) ?? "missing") where \(expected) was expected; "
                + "use the parts of one and the same model"
        case .partNumber(let expected, let found):
            "split.no is \(found.map(String.init) ?? "missing") where \(expected) was expected; "
                + "give the parts their original names"
        case .tensorCount(let expected, let found):
            "all parts together hold \(found) tensors where split.tensors.count says \(expected); "
                + "download the parts again"
        }
    }
}

/// Why a sound file is not a model that Caravan can run.
package enum ModelFault: Error, Equatable, CustomStringConvertible {
    case architecture(String?)
    case missingKey(String)
    /// `allowed` says in words what the value may be.
    case value(key: String, value: String, allowed: String)
    case ropeScaling(String)
    case experts(String)
    case bias(String)
    case missingTensors([String])
    case unknownTensor(String)
    case repeatedTensor(String)
    case shape(tensor: String, found: [Int], expected: [Int])
    case elementType(tensor: String, type: ElementType)
    case quantisedVector(tensor: String, type: ElementType)

    package var description: String {
        switch self {
        case .architecture(let name):
            "the architecture is \(name.map { "\"\($0.inMessage)\"" } ?? "not stated"); "
                + "supported: llama"
        case .missingKey(let key): "the metadata lack \(key); convert the model again"
        case .value(let key, let value, let allowed): "\(key) is \(value) but must be \(allowed)"
        case .ropeScaling(let type):
            "RoPE scaling \"\(type.inMessage)\" is not supported; "
                + "supported: none, linear, and Llama 3's "
                + "(as the tensor rope_freqs.weight)"
        case .experts(let what):
            "\(what.inMessage) belongs to a mixture of experts, which is not supported; "
                + "use a dense model"
        case .bias(let tensor): "\(tensor.inMessage) is a bias, which is not supported for llama"
        case .missingTensors(let names):
            "\(names.count) tensors are missing: \(names.prefix(5).joined(separator: ", "))"
                + (names.count > 5 ? ", …" : "") + "; download or convert the model again"
        case .unknownTensor(let name):
            "tensor \(name.inMessage) is not part of the llama architecture as known here"
        case .repeatedTensor(let name):
            "tensor \(name.inMessage) is there twice; convert the model again"
        case .shape(let tensor, let found, let expected):
            "tensor \(tensor) has the shape \(found) where the metadata ask for \(expected)"
        case .elementType(let tensor, let type):
            "tensor \(tensor) has the element type \(type.name), which is not supported; "
                + "supported: \(ElementType.supportedNames)"
        case .quantisedVector(let tensor, let type):
            "tensor \(tensor) is a \(type.name) but must be F32, F16 or BF16"
        }
    }
}
