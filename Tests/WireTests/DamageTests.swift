// SPDX-License-Identifier: Apache-2.0

import Testing
import Wire

/// What a broken or hostile peer sends is refused with a reason, and never traps.
@Suite struct DamageTests {
    @Test(arguments: VectorCatalog.good)
    func everyTruncationThrows(_ vector: GoodVector) {
        let bytes = vector.frame.encoded()
        for length in 0..<bytes.count {
            let error = #expect(throws: WireError.self) { try decode(Array(bytes.prefix(length))) }
            #expect(error.map(reason(of:)) == "truncated")
        }
    }

    /// As above, but with a header that agrees with the shortened payload.
    @Test(arguments: VectorCatalog.good)
    func everyHonestTruncationThrows(_ vector: GoodVector) {
        let length = vector.frame.encoded().count - Limits.headerBytes
        for shorter in 0..<length {
            let bytes = patched(vector.frame, at: 0, [], keeping: shorter)
            #expect(throws: WireError.self) { try decode(bytes) }
        }
    }

    @Test(arguments: VectorCatalog.good)
    func everyFlippedBitThrows(_ vector: GoodVector) {
        let bytes = vector.frame.encoded()
        for index in bytes.indices {
            for bit in 0..<8 {
                var flipped = bytes
                flipped[index] ^= 1 << bit
                #expect(throws: WireError.self) { try decode(flipped) }
            }
        }
    }

    /// What gets past the checksum is either refused or a frame that says exactly those bytes.
    @Test func mutationsAreRefusedOrCanonical() {
        var generator = SplitMix64(seed: 20_000)
        let originals = VectorCatalog.good.map { $0.frame.encoded() }
        var refusedCount = 0
        var acceptedCount = 0
        for _ in 0..<20_000 {
            let original = originals[Int.random(in: originals.indices, using: &generator)]
            let mutation = resummed(mutate(original, using: &generator))
            do {
                let frame = try decode(mutation)
                acceptedCount += 1
                if frame.encoded() != mutation { Issue.record("not canonical: \(mutation)") }
            } catch {
                refusedCount += 1
                if "\(error)".isEmpty { Issue.record("no reason: \(mutation)") }
            }
        }
        #expect(refusedCount > 1000)
        #expect(acceptedCount > 1000)
    }

    private func mutate(_ original: [UInt8], using generator: inout SplitMix64) -> [UInt8] {
        let edges: [UInt8] = [0, 1, 2, 3, 4, 16, 0x7F, 0x80, 0xFE, 0xFF]
        var bytes = original
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
            // The payload, mostly: the header has few ways to be wrong.
            let first = Int.random(in: 0..<8, using: &generator) == 0 ? 0 : Limits.headerBytes
            guard first < bytes.count else { continue }
            let index = Int.random(in: first..<bytes.count, using: &generator)
            switch Int.random(in: 0..<6, using: &generator) {
            case 0: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 1: bytes[index] = edges.randomElement(using: &generator) ?? 0
            case 2: bytes[index] = UInt8.random(in: 0...255, using: &generator)
            case 3: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: index)
            case 4: bytes.remove(at: index)
            default:
                for place in index..<min(index + 4, bytes.count) { bytes[place] = 0xFF }
            }
        }
        // The true length, mostly, so that decoding goes on to the fields.
        if bytes.count >= Limits.headerBytes, Int.random(in: 0..<8, using: &generator) != 0 {
            let length = littleEndian(UInt32(bytes.count - Limits.headerBytes))
            bytes.replaceSubrange(12..<16, with: length)
        }
        return bytes
    }

    @Test func noiseIsRefused() {
        var generator = SplitMix64(seed: 3)
        for _ in 0..<2000 {
            let count = Int.random(in: 0...200, using: &generator)
            let noise = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
            #expect(throws: WireError.self) { try decode(noise) }
            let header = Array(VectorCatalog.tokensStep.encoded().prefix(8))
            #expect(throws: WireError.self) { try decode(resummed(header + noise)) }
        }
    }
}
