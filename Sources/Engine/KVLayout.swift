// SPDX-License-Identifier: Apache-2.0

import CKernels
import Model

/// Where the bytes of a page are: `(layers, headsKV, blocks)` of the kernels' blocks.
struct KVLayout {
    /// Blocks of a page and head.
    let blockCount: Int
    let blockBytes: Int
    let headBytes: Int
    /// A multiple of the layouts' grain, so that stages of any number of layers add up.
    let layerBytes: Int
    let pageBytes: Int

    init(_ configuration: StageConfiguration) {
        let numbers = configuration.hyperparameters
        blockCount = configuration.pagePositionCount / CKernelsLimits.keyBlock
        blockBytes = Int(ck_kv_block_bytes(configuration.kvType.code, numbers.headSize))
        headBytes = blockCount * blockBytes
        let grain = AnonymousMemory.pageByteCount
        layerBytes = (numbers.headCountKV * headBytes + grain - 1) / grain * grain
        pageBytes = configuration.layers.count * layerBytes
    }
}

extension StageConfiguration {
    /// Bytes of one layer's KV cache with every page in use; nil beyond what a number holds.
    package var kvByteCountPerLayer: Int? {
        let (bytes, isOver) = KVLayout(self).layerBytes.multipliedReportingOverflow(by: pageCount)
        return isOver ? nil : bytes
    }

    /// Bytes of the KV cache with every page in use; nil beyond what a number holds.
    package var kvByteCount: Int? {
        let (bytes, isOver) = KVLayout(self).pageBytes.multipliedReportingOverflow(by: pageCount)
        return isOver ? nil : bytes
    }
}
