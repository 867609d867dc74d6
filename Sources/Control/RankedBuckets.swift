// SPDX-License-Identifier: Apache-2.0

/// A vocabulary in order of likelihood, ties by ascending id, of which no more is sorted than is
/// asked for.
///
/// Tokens are counted and their weights added up in buckets by logit, so whoever looks for a place
/// in the order sorts only the bucket that has it. To sort 128,256 tokens takes ten times as long
/// as that one pass over them.
struct RankedBuckets {
    /// The likeliest tokens up to one of them.
    struct Prefix {
        var count = 0
        /// The sum of their weights.
        var mass = 0.0
        /// The least likely of them.
        var last: UInt32 = 0
    }

    /// Tokens that can be drawn: all others together weigh less than what `mass` is rounded by.
    private(set) var count = 0
    /// The sum of their weights.
    private(set) var mass = 0.0
    /// By id.
    private let logits: [Double]
    private let weight: Weight
    /// The bucket of each token, by id; the one past the last for those that can't be drawn.
    private var places: [UInt16]
    private var counts = [Int](repeating: 0, count: Self.bucketCount + 1)
    private var masses = [Double](repeating: 0, count: Self.bucketCount + 1)

    /// Of the exponent: e⁻⁶⁴ is 2⁻⁹², and there are fewer than 2³² tokens.
    private static let depth = 64.0
    private static let bucketsPerUnit = 64.0
    private static let bucketCount = Int(depth * bucketsPerUnit)

    /// The largest of `logits` is the weight's reference.
    init(_ logits: [Double], weight: Weight) {
        self.logits = logits
        self.weight = weight
        places = [UInt16](repeating: 0, count: (logits.count + 7) / 8 * 8)
        for start in stride(from: 0, to: logits.count, by: 8) { addEight(from: start) }
        count = counts.dropLast().reduce(0, +)
        mass = masses.dropLast().reduce(0, +)
    }

    @inline(__always)
    private mutating func addEight(from start: Int) {
        var block = SIMD8<Double>(repeating: -.infinity)
        if start + 8 <= logits.count {
            for lane in 0..<8 { block[lane] = logits[start + lane] }
        } else {
            for id in start..<logits.count { block[id - start] = logits[id] }
        }
        block = (block - weight.reference) / weight.temperature
        block.replace(with: -Self.depth, where: .!(block .> -Self.depth))
        let weights = Exponential.exp(block)
        // A number's lowest bits are a whole number once this is added.
        let numbers = 0x1p52 - block * Self.bucketsPerUnit
        // Written out: a lane that is not named in the source is read through memory, all eight
        // each time.
        add(numbers[0], weights[0], at: start)
        add(numbers[1], weights[1], at: start + 1)
        add(numbers[2], weights[2], at: start + 2)
        add(numbers[3], weights[3], at: start + 3)
        add(numbers[4], weights[4], at: start + 4)
        add(numbers[5], weights[5], at: start + 5)
        add(numbers[6], weights[6], at: start + 6)
        add(numbers[7], weights[7], at: start + 7)
    }

    @inline(__always)
    private mutating func add(_ number: Double, _ weight: Double, at id: Int) {
        let place = UInt16(truncatingIfNeeded: number.bitPattern)
        places[id] = place
        counts[Int(place)] += 1
        masses[Int(place)] += weight
    }

    /// How many of the tokens weigh `least` or more.
    func count(weighing least: Double) -> Int {
        guard least > 0 else { return count }
        let edge = -Exponential.log(least) * Self.bucketsPerUnit
        return (0..<Self.bucketCount).reduce(0) { sum, place in
            // Buckets are of numbers rounded to the nearest.
            if Double(place) < edge - 1 { return sum + counts[place] }
            guard Double(place) < edge + 1 else { return sum }
            return sum + tokens(in: place).count { weight(of: $0.logit) >= least }
        }
    }

    /// The shortest prefix of the order that `isEnough`, as then all longer ones must be; all of it
    /// if none is.
    func prefix(where isEnough: (Prefix) -> Bool) -> Prefix {
        var prefix = Prefix()
        var next = prefix
        var deciding = 0
        for place in 0..<Self.bucketCount where counts[place] > 0 {
            prefix = next
            deciding = place
            next.count += counts[place]
            next.mass += masses[place]
            if isEnough(next) { break }
        }
        // Where all of the bucket is not enough after all, the sums differ by rounding.
        for token in tokens(in: deciding) {
            prefix.count += 1
            prefix.mass += weight(of: token.logit)
            prefix.last = token.id
            if isEnough(prefix) { break }
        }
        return prefix
    }

    private func tokens(in place: Int) -> [RankedToken] {
        logits.indices.filter { places[$0] == UInt16(place) }
            .map { RankedToken(id: UInt32($0), logit: logits[$0]) }.sorted()
    }
}
