// SPDX-License-Identifier: Apache-2.0

import Control
import Testing

struct PrefixIndexTests {
    @Test func theLongestAndAllWhoHaveIt() {
        var index = PrefixIndex(pagePositionCount: 2)
        index.extend(slot: 7, to: 2, of: [1, 2, 3, 4, 5])
        index.extend(slot: 8, to: 1, of: [1, 2])
        index.extend(slot: 9, to: 1, of: [1, 3])
        let both = index.longest(of: 1, [1, 2, 9, 9], pageCountMax: 2)
        #expect(both.pageCount == 1 && both.slots == [7, 8])
        let one = index.longest(of: 2, [1, 2, 3, 4, 5, 6], pageCountMax: 3)
        #expect(one.pageCount == 2 && one.slots == [7])
        // A page in part is none.
        #expect(index.longest(of: 3, [1, 2, 3], pageCountMax: 1).pageCount == 1)
        let nobody = index.longest(of: 4, [2, 2], pageCountMax: 1)
        #expect(nobody.pageCount == 0 && nobody.slots.isEmpty)
        #expect(index.isWithin(8, slot: 7) && !index.isWithin(9, slot: 7))
        #expect(!index.isWithin(7, slot: 8) && !index.isWithin(7, slot: 7))
    }

    @Test func aSearchGoesOnAfterOthersGrewOrWent() {
        var index = PrefixIndex(pagePositionCount: 1)
        index.extend(slot: 1, to: 1, of: [5, 6, 7])
        #expect(index.longest(of: 1, [5, 6, 7], pageCountMax: 3).pageCount == 1)
        index.extend(slot: 1, to: 3, of: [5, 6, 7])
        #expect(index.longest(of: 1, [5, 6, 7], pageCountMax: 3).pageCount == 3)
        index.truncate(slot: 1, to: 2)
        #expect(index.longest(of: 1, [5, 6, 7], pageCountMax: 3).pageCount == 2)
        index.remove(slot: 1)
        #expect(index.longest(of: 1, [5, 6, 7], pageCountMax: 3).pageCount == 0)
        #expect(index.isEmpty)
    }

    /// Against a comparison of all with all.
    @Test func randomSlotsComeAndGo() {
        var random = SplitMix(state: 5)
        var index = PrefixIndex(pagePositionCount: 2)
        var held: [UInt32: [UInt32]] = [:]
        for id in 0..<3_000 as Range<UInt64> {
            let slot = UInt32.random(in: 0..<12, using: &random)
            let isLess = Int.random(in: 0..<3, using: &random) == 0
            if isLess, let tokens = held[slot], tokens.count > 2, id % 2 == 0 {
                held[slot] = Array(tokens.prefix(2))
                index.truncate(slot: slot, to: 1)
            } else if isLess {
                held[slot] = nil
                index.remove(slot: slot)
            } else {
                for _ in 0..<2 {
                    held[slot, default: []].append(UInt32.random(in: 0..<2, using: &random))
                }
                let tokens = held[slot] ?? []
                index.extend(slot: slot, to: tokens.count / 2, of: tokens)
            }
            let mine = (0..<8).map { _ in UInt32.random(in: 0..<2, using: &random) }
            let counts = held.mapValues { other in
                (0..<min(4, other.count / 2)).prefix {
                    mine[$0 * 2..<$0 * 2 + 2] == other[$0 * 2..<$0 * 2 + 2]
                }.count
            }
            let most = counts.values.max() ?? 0
            // Some ask again and again.
            let found = index.longest(of: id % 2 == 0 ? id : 1 << 32 | id, mine, pageCountMax: 4)
            #expect(found.pageCount == most)
            #expect(most == 0 || found.slots == Set(counts.filter { $0.value == most }.keys))
            let short = held.filter { $0.key != slot && !$0.value.isEmpty }.filter {
                (held[slot] ?? []).starts(with: $0.value)
            }
            let within = held.keys.filter { index.isWithin($0, slot: slot) }
            #expect(Set(within) == Set(short.keys))
        }
        for slot in held.keys { index.remove(slot: slot) }
        #expect(index.isEmpty)
    }
}
