// SPDX-License-Identifier: Apache-2.0

/// How many pages of KV cache a model is to be served with.
///
/// A page has keys and values of `pagePositionCount` positions in all layers; sequences take pages
/// as they grow. So what is set aside need not be what all of them together could ever fill.
package struct PageDemand: Sendable, Equatable {
    /// Positions of each slot for which there are pages where nobody says otherwise: the context of
    /// large models would take all memory there is.
    package static let defaultPositionsPerSlot = 4096
    /// Positions of one sequence without which serving makes no sense, where nobody says otherwise.
    package static let positionsMin = 2048

    /// With fewer the model is not served.
    package let least: Int
    /// What memory is set aside for where there is enough.
    package let wanted: Int
    package let slotCount: Int
    package let pagePositionCount: Int
    /// Bytes of a page in one layer.
    package let pageBytes: UInt64

    package init(
        least: Int, wanted: Int, slotCount: Int, pagePositionCount: Int, pageBytes: UInt64
    ) {
        precondition(0 < least && least <= wanted && slotCount > 0 && pagePositionCount > 0)
        self.least = least
        self.wanted = wanted
        self.slotCount = slotCount
        self.pagePositionCount = pagePositionCount
        self.pageBytes = pageBytes
    }

    /// What follows from the options: `contextLength` is `--context` and `kvByteCount`
    /// `--kv-memory`, of all layers together; nil where not given. `contextLimit` is the model's.
    ///
    /// A context that is given is kept for one sequence at least, and there are pages for as many
    /// as there are slots where memory allows. More than that are never of use.
    package init(
        slotCount: Int, contextLength: Int?, contextLimit: Int, kvByteCount: Int?,
        pagePositionCount: Int, pageBytes: UInt64, layerCount: Int, countMax: Int
    ) throws(PageDemandError) {
        func pages(_ length: Int) -> Int {
            max(1, length / pagePositionCount + (length % pagePositionCount).signum())
        }
        func times(_ count: Int, _ factor: Int) -> Int {
            let (product, isOver) = count.multipliedReportingOverflow(by: factor)
            return isOver ? .max : product
        }
        let context = min(contextLength ?? contextLimit, contextLimit)
        let perSlot = contextLength == nil ? min(context, Self.defaultPositionsPerSlot) : context
        let most = min(times(pages(context), slotCount), countMax)
        var wanted = min(times(pages(perSlot), slotCount), most)
        var least = contextLength == nil ? pages(min(context, Self.positionsMin)) : pages(context)
        if let kvByteCount {
            let (bytes, isOver) = pageBytes.multipliedReportingOverflow(by: UInt64(layerCount))
            let count = isOver ? 0 : Int(clamping: UInt64(max(0, kvByteCount)) / max(1, bytes))
            if contextLength == nil { least = 1 }
            guard count >= least else {
                throw .tooLittle(
                    byteCount: UInt64(max(0, kvByteCount)),
                    holds: times(count, pagePositionCount),
                    wanted: contextLength == nil ? pagePositionCount : context)
            }
            wanted = min(count, most)
        }
        self.init(
            least: min(least, wanted), wanted: wanted, slotCount: slotCount,
            pagePositionCount: pagePositionCount, pageBytes: pageBytes)
    }

    /// Bytes of `count` pages in one layer.
    func bytes(_ count: Int) -> UInt64 {
        let (bytes, isOver) = pageBytes.multipliedReportingOverflow(by: UInt64(count))
        return isOver ? .max : bytes
    }

    /// Positions that each slot has if all have as many.
    package func positionsPerSlot(_ count: Int) -> Int { count * pagePositionCount / slotCount }
}

/// Why no demand follows from the options.
package enum PageDemandError: Error, Equatable, CustomStringConvertible {
    case tooLittle(byteCount: UInt64, holds: Int, wanted: Int)

    package var description: String {
        switch self {
        case .tooLittle(let byteCount, let holds, let wanted):
            "--kv-memory of \(ByteCount(byteCount)) holds \(holds) tokens and one sequence may "
                + "have \(wanted); give more, or a smaller --context, or --kv q8"
        }
    }
}
