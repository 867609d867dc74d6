// SPDX-License-Identifier: Apache-2.0

import Cluster
import FoundationEssentials
import Testing

struct MemberStatusTests {
    /// As a coordinator sends it.
    private func member(host: String) throws -> MemberStatus {
        let text = """
            {
                "name": "box1", "address": "10.0.0.1:7071", "role": "serving", "note": "",
                "host": "\(host)", "threads": 4, "cores": 4, "memoryBudgetBytes": 1,
                "freeMemoryBytes": 1, "readBytesPerSecond": 1, "hostReadBytesPerSecond": 1,
                "int8OperationsPerSecond": 1, "f32OperationsPerSecond": 1, "loopNanoseconds": 1,
                "roundTripMicroseconds": 1, "linkBytesPerSecond": 1, "measuredByPredicted": 1
            }
            """
        return try JSONDecoder().decode(MemberStatus.self, from: Data(text.utf8))
    }

    /// Two workers that don't know their machine need not be on the same.
    @Test func hostOfZerosIsNotKnown() throws {
        let zeros = String(repeating: "0", count: 32)
        #expect(try member(host: zeros).knownHost == nil)
        #expect(try member(host: "").knownHost == nil)
        let known = "1" + String(repeating: "0", count: 31)
        #expect(try member(host: known).knownHost == known)
    }
}
