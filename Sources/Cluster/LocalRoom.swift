// SPDX-License-Identifier: Apache-2.0

package import Control
package import Engine
package import Model
import Platform

/// Whether a model that is computed in this process finds the memory it needs.
///
/// To reserve memory always succeeds, and whoever then takes more than there is gets ended by the
/// system without a word.
package enum LocalRoom {
    /// `stage` with as many pages of KV cache as there is memory for, at most `pages.wanted`; as it
    /// is where the system doesn't say what is free, 0 bytes.
    package static func fitted(
        _ stage: StageConfiguration, tensors: [Tensor], pages: PageDemand,
        availableBytes: Int = MemoryReading.availableBytes()
    ) throws(LocalRoomError) -> StageConfiguration {
        guard availableBytes > 0 else { return stage }
        var fitted = stage
        fitted.pageCount = pages.least
        let left = try left(by: [fitted], tensors: tensors, of: availableBytes)
        let pageBytes = max(1, (fitted.kvByteCount ?? .max) / pages.least)
        fitted.pageCount = min(pages.wanted, pages.least + left / pageBytes)
        return fitted
    }

    /// Throws where there is too little memory for `stages`, which together have all `tensors`.
    static func check(
        _ stages: [StageConfiguration], tensors: [Tensor],
        availableBytes: Int = MemoryReading.availableBytes()
    ) throws(LocalRoomError) {
        guard availableBytes > 0 else { return }
        _ = try left(by: stages, tensors: tensors, of: availableBytes)
    }

    /// What `stages` leave of `availableBytes`.
    private static func left(
        by stages: [StageConfiguration], tensors: [Tensor], of availableBytes: Int
    ) throws(LocalRoomError) -> Int {
        let need = need(stages, tensors: tensors)
        guard need <= availableBytes else {
            throw LocalRoomError(needBytes: need, availableBytes: availableBytes)
        }
        return availableBytes - need
    }

    private static func need(_ stages: [StageConfiguration], tensors: [Tensor]) -> Int {
        let parts =
            stages.map { StageEngine.memoryByteCount(configuration: $0, weightByteCount: 0) }
            + tensors.map(\.byteCount)
        return parts.reduce(0) { sum, part in
            let (total, isOver) = sum.addingReportingOverflow(part)
            return isOver ? .max : total
        }
    }
}

/// This machine has too little free memory for a model in one process.
package struct LocalRoomError: Error, Equatable, CustomStringConvertible {
    package let needBytes: Int
    package let availableBytes: Int

    package init(needBytes: Int, availableBytes: Int) {
        self.needBytes = needBytes
        self.availableBytes = availableBytes
    }

    package var description: String {
        "the model needs \(ByteCount(UInt64(needBytes))) of memory in one process, and "
            + "\(ByteCount(UInt64(availableBytes))) are free; free some, take a smaller type of "
            + "the model, or pool machines: 'caravan serve --help'"
    }
}
