// SPDX-License-Identifier: Apache-2.0

import Control
import Testing

struct PrefixSearchTests {
    private let mine: [UInt32] = [1, 2, 3, 4, 5, 6, 7, 8]

    @Test func nothingIsComparedTwice() {
        var search = PrefixSearch()
        #expect(
            search.commonCount(of: 1, mine, with: [1, 2, 3, 4], admission: 9, countMax: 3) == 3)
        // Were the first three looked at again, none of them would be the same.
        let altered: [UInt32] = [0, 0, 0, 4, 5, 0, 7]
        #expect(search.commonCount(of: 1, mine, with: altered, admission: 9, countMax: 7) == 5)
        #expect(search.commonCount(of: 1, mine, with: altered, admission: 9, countMax: 2) == 2)
        #expect(search.commonCount(of: 1, mine, with: altered, admission: 9, countMax: 7) == 5)
    }

    @Test func othersAreComparedFromTheStart() {
        var search = PrefixSearch()
        #expect(search.commonCount(of: 1, mine, with: mine, admission: 9, countMax: 8) == 8)
        let other: [UInt32] = [0, 2, 3]
        #expect(search.commonCount(of: 1, mine, with: other, admission: 10, countMax: 3) == 0)
        #expect(search.commonCount(of: 2, mine, with: other, admission: 9, countMax: 3) == 0)
        #expect(search.commonCount(of: 1, mine, with: other, admission: 9, countMax: 3) == 0)
    }

    @Test func aSearchInPartsFindsWhatOneFromTheStartDoes() {
        var random = SplitMix(state: 5)
        for id in 0..<50 as Range<UInt64> {
            var search = PrefixSearch()
            let mine = (0..<40).map { _ in UInt32.random(in: 0...1, using: &random) }
            let length = Int.random(in: 0...40, using: &random)
            var other = Array(mine.prefix(length))
            for _ in 0..<20 {
                let countMax = Int.random(in: 0...min(other.count, mine.count), using: &random)
                let fresh = zip(mine.prefix(countMax), other).prefix { $0 == $1 }.count
                let found = search.commonCount(
                    of: id, mine, with: other, admission: 1, countMax: countMax)
                #expect(found == fresh)
                other.append(UInt32.random(in: 0...1, using: &random))
            }
        }
    }
}
