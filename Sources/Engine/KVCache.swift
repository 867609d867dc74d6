// SPDX-License-Identifier: Apache-2.0

import CKernels
import Model

/// Keys and values of every slot, as f16.
///
/// One reservation per slot, touched as positions come: `(layers, headsKV)` of
/// keys `(blocks, headSize, 32)` then values `(positions, valueStride)`.
final class KVCache {
    private(set) var lengths: [Int]
    private let slots: [AnonymousMemory]
    private let headCount: Int
    private let headSize: Int
    private let layerCount: Int
    /// Bytes of one head's keys, and of its values, in one layer of one slot.
    private let keyBytes: Int
    private let valueBytes: Int

    init(configuration: StageConfiguration) throws(EngineError) {
        let numbers = configuration.hyperparameters
        headCount = numbers.headCountKV
        headSize = numbers.headSize
        layerCount = configuration.layers.count
        let bytes = Self.headBytes(configuration)
        (keyBytes, valueBytes) = bytes
        let slotBytes = layerCount * headCount * (keyBytes + valueBytes)
        var slots: [AnonymousMemory] = []
        for _ in 0..<configuration.slotCount {
            slots.append(try AnonymousMemory(byteCount: slotBytes, hugePages: false))
        }
        self.slots = slots
        lengths = [Int](repeating: 0, count: configuration.slotCount)
    }

    /// Bytes of all slots when full.
    static func byteCount(_ configuration: StageConfiguration) -> Int {
        let (keys, values) = headBytes(configuration)
        return configuration.slotCount * configuration.layers.count
            * configuration.hyperparameters.headCountKV * (keys + values)
    }

    private static func headBytes(_ configuration: StageConfiguration) -> (Int, Int) {
        let block = CKernelsLimits.keyBlock
        let positions = (configuration.contextLength + block - 1) / block * block
        let headSize = configuration.hyperparameters.headSize
        return (positions * headSize * 2, positions * Int(ck_value_stride(headSize)) * 2)
    }

    func keys(layer: Int, slot: Int, head: Int) -> UnsafeMutablePointer<UInt16> {
        slots[slot].pointer(at: offset(layer: layer, head: head), as: UInt16.self)
    }

    func values(layer: Int, slot: Int, head: Int) -> UnsafeMutablePointer<UInt16> {
        slots[slot].pointer(at: offset(layer: layer, head: head) + keyBytes, as: UInt16.self)
    }

    private func offset(layer: Int, head: Int) -> Int {
        (layer * headCount + head) * (keyBytes + valueBytes)
    }

    func setLength(_ length: Int, slot: Int) { lengths[slot] = length }

    /// Forgets the slot's positions and gives their memory back.
    func release(slot: Int) {
        lengths[slot] = 0
        slots[slot].discard()
    }

    /// Makes `slot` begin with the first `length` positions of `source`, and nothing else.
    func copy(to slot: Int, from source: Int, length: Int) {
        guard slot != source else { return setLength(length, slot: slot) }
        let block = CKernelsLimits.keyBlock
        let keyCount = (length + block - 1) / block * block * headSize
        let valueCount = length * Int(ck_value_stride(headSize))
        for layer in 0..<layerCount {
            for head in 0..<headCount {
                keys(layer: layer, slot: slot, head: head)
                    .update(from: keys(layer: layer, slot: source, head: head), count: keyCount)
                values(layer: layer, slot: slot, head: head)
                    .update(from: values(layer: layer, slot: source, head: head), count: valueCount)
            }
        }
        lengths[slot] = length
    }

    /// Bytes that the present positions take.
    var usedByteCount: Int {
        let position = layerCount * headCount * (headSize + Int(ck_value_stride(headSize))) * 2
        return lengths.reduce(0, +) * position
    }
}
