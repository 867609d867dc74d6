// SPDX-License-Identifier: Apache-2.0

package import Platform

/// Why a stage cannot be loaded or a step cannot be run. After a throw nothing has changed.
package enum EngineError: Error, Equatable, CustomStringConvertible {
    case unknownISA(String)
    case unsupportedISA(KernelISA)
    case configuration(name: String, value: Int, allowed: ClosedRange<Int>)
    case missingTensor(String)
    case tensorShape(name: String, found: [Int], expected: [Int])
    case outOfMemory(byteCount: Int)
    case noThread(ThreadError)
    /// The file with the weights.
    case unreadable(FileError)
    /// Whoever asked for the stage no longer wants it.
    case loadingStopped
    case tooManyRows(count: Int, limit: Int)
    case slotOutOfRange(slot: Int, slotCount: Int)
    case positionMismatch(slot: Int, position: Int, expected: Int)
    case contextFull(slot: Int, position: Int, contextLength: Int)
    case pagesExhausted(needed: Int, free: Int)
    case lengthOutOfRange(slot: Int, length: Int, current: Int)
    case tokenOutOfRange(token: Int, vocabularySize: Int)
    case topOutOfRange(count: Int, vocabularySize: Int)
    case hiddenCount(found: Int, expected: Int)

    package var description: String {
        switch self {
        case .unknownISA, .unsupportedISA, .configuration, .missingTensor, .tensorShape,
            .outOfMemory, .noThread, .unreadable, .loadingStopped:
            loadDescription
        default:
            stepDescription
        }
    }

    private var loadDescription: String {
        switch self {
        case .unknownISA(let name):
            "CARAVAN_ISA is \(name); use one of "
                + KernelISA.allCases.map(\.rawValue).joined(separator: ", ")
        case .unsupportedISA(let isa):
            "CARAVAN_ISA is \(isa.rawValue), which this CPU lacks; unset it"
        case .configuration(let name, let value, let allowed):
            "\(name) is \(value); it must be from \(allowed.lowerBound) to \(allowed.upperBound)"
        case .missingTensor(let name):
            "tensor \(name) is missing; the model file or the shard is incomplete"
        case .tensorShape(let name, let found, let expected):
            "tensor \(name) has shape \(found) where the model needs \(expected)"
        case .outOfMemory(let byteCount):
            "no \(byteCount) bytes of memory for the stage; use fewer layers, slots or positions"
        case .noThread(let error): "\(error)"
        case .unreadable(let error): "\(error)"
        case .loadingStopped: "loading the stage was stopped"
        default:
            ""
        }
    }

    private var stepDescription: String {
        switch self {
        case .tooManyRows(let count, let limit):
            "step has \(count) rows; the stage takes at most \(limit)"
        case .slotOutOfRange(let slot, let slotCount):
            "slot \(slot) does not exist; the stage has \(slotCount)"
        case .positionMismatch(let slot, let position, let expected):
            "row at position \(position) of slot \(slot), whose next position is \(expected)"
        case .contextFull(let slot, let position, let contextLength):
            "position \(position) of slot \(slot) is beyond the context of \(contextLength)"
        case .pagesExhausted(let needed, let free):
            "\(needed) pages of the KV cache are needed and \(free) are free; release a slot first"
        case .lengthOutOfRange(let slot, let length, let current):
            "length \(length) asked of slot \(slot), which holds \(current) positions"
        case .tokenOutOfRange(let token, let vocabularySize):
            "token \(token) is outside the vocabulary of \(vocabularySize)"
        case .topOutOfRange(let count, let vocabularySize):
            "\(count) candidates asked of a vocabulary of \(vocabularySize)"
        case .hiddenCount(let found, let expected):
            "step carries \(found) hidden values where its rows need \(expected)"
        default:
            loadDescription
        }
    }
}
