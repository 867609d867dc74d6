// SPDX-License-Identifier: Apache-2.0

import Wire

/// Estimates made coarse, so that noise in a measurement does not change the plan.
///
/// A plan that changes moves layers, which ships blobs anew. So boxes that measure nearly the same
/// get exactly the same figure, and that figure is rounded to one of eight steps an octave (6 to
/// 12 %). Predictions are made with the exact figures; only the split uses these.
enum SteadyEstimates {
    /// Figures that differ by less than this factor count as the same.
    private static let speedRatio = 1.15
    private static let pathRatio = 1.5
    /// Measured by predicted times, by those of most workers, that are not held against one.
    private static let corrections = 0.8...1.25

    static func of(
        _ workers: [PlannerWorker], links: [WorkerPair: NetworkPath]
    ) -> (workers: [PlannerWorker], links: [WorkerPair: NetworkPath]) {
        var steady = workers
        func settle(_ field: WritableKeyPath<PlannerWorker, UInt64>, within ratio: Double) {
            let values = same(workers.map { Double($0[keyPath: field]) }, within: ratio)
            for (index, value) in values.enumerated() {
                steady[index][keyPath: field] = UInt64(min(value, 1e18))
            }
        }
        settle(\.speed.readBytesPerSecond, within: speedRatio)
        settle(\.speed.hostReadBytesPerSecond, within: speedRatio)
        settle(\.speed.int8OperationsPerSecond, within: speedRatio)
        settle(\.speed.f32OperationsPerSecond, within: speedRatio)
        let sorted = workers.map(\.correction).sorted()
        let usual = sorted.isEmpty ? 1 : sorted[sorted.count / 2]
        let loops = same(workers.map { Double($0.speed.loopNanoseconds) }, within: pathRatio)
        for index in steady.indices {
            steady[index].speed.loopNanoseconds = UInt32(min(loops[index], 1e9))
            let correction = workers[index].correction
            let isUsual = corrections.contains(correction / usual)
            steady[index].correction = rounded(isUsual ? usual : correction)
        }
        // Together, as what was measured of one link is compared with what is assumed of another.
        let pairs = Array(links.keys)
        let paths = of(workers.map(\.path) + pairs.map { links[$0] })
        for index in steady.indices { steady[index].path = paths[index] }
        var steadyLinks = links
        for (pair, path) in zip(pairs, paths[workers.count...]) { steadyLinks[pair] = path }
        return (steady, steadyLinks)
    }

    private static func of(_ paths: [NetworkPath?]) -> [NetworkPath?] {
        let known = paths.compactMap { $0 }
        let trips = same(known.map(\.roundTripSeconds), within: pathRatio)
        let rates = same(known.map(\.bytesPerSecond), within: pathRatio)
        var steady = zip(trips, rates).makeIterator()
        return paths.map { path in
            guard path != nil, let (trip, rate) = steady.next() else { return nil }
            return NetworkPath(roundTripSeconds: trip, bytesPerSecond: rate)
        }
    }

    /// The same value for all that lie within `ratio` of the smallest of them.
    static func same(_ values: [Double], within ratio: Double) -> [Double] {
        var result = values
        let order = values.indices.sorted { (values[$0], $0) < (values[$1], $1) }
        var start = order.startIndex
        while start < order.endIndex {
            let least = values[order[start]]
            let end = order[start...].firstIndex { values[$0] > least * ratio } ?? order.endIndex
            let mean = order[start..<end].reduce(0) { $0 + values[$1] } / Double(end - start)
            for index in order[start..<end] { result[index] = rounded(mean) }
            start = end
        }
        return result
    }

    /// To a multiple of an eighth of the power of two below.
    static func rounded(_ value: Double) -> Double {
        guard value.isNormal, value > 0 else { return value }
        let step = value.binade / 8
        return (value / step).rounded() * step
    }
}
