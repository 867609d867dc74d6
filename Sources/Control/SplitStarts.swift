// SPDX-License-Identifier: Apache-2.0

/// Where each worker's range begins, by where it ends: what dynamic programming over (workers,
/// layers) leaves behind, from which the split is read backwards.
struct SplitStarts {
    private var starts: [[Int]] = []

    /// The next worker's range begins at `start[end]` if it ends at `end`; at `end` it is empty.
    mutating func append(_ start: [Int]) { starts.append(start) }

    /// A range for each worker, which together are layers `0..<layerCount`.
    func ranges(layerCount: Int) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        var end = layerCount
        for start in starts.reversed() {
            ranges.append(start[end]..<end)
            end = start[end]
        }
        return ranges.reversed()
    }
}
