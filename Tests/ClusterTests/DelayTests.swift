// SPDX-License-Identifier: Apache-2.0

import Cluster
import Model
import Testing

/// A network that takes longer than the stages do.
@Suite(.serialized)
struct DelayTests {
    @Test func aDelayIsHiddenByMoreStepsAndChangesNoToken() throws {
        let file = try TestModelFile(layers: 4, type: .q4_0)
        let requests = (1...12).map { number in
            GenerationRequest.test(
                length: 5 + 31 * number % 97, count: 40, seed: UInt64(number % 4))
        }
        let alone = try Coordinator.inProcess(file.model)
        let expected = try requests.map { try alone.generate($0) }
        alone.stop()
        let cluster = try DelayedCluster(
            file.model, workerCount: 2, slotCount: 12, delay: .milliseconds(20))
        defer { cluster.stop() }
        #expect(eventually { cluster.coordinator.status().stages.count == 2 })
        #expect(eventually { cluster.coordinator.status().state == "ready" })
        let running = try requests.map { try TestRequest(cluster.coordinator, $0) }
        // Two stages without a network between them want two steps.
        #expect(eventually { cluster.coordinator.status().stepsInFlight >= 4 })
        #expect(running.map { $0.finish() } == expected)
        // Three hops.
        #expect(cluster.coordinator.status().flow.stepTime.p50Microseconds >= 60_000)
        #expect(eventually { cluster.coordinator.status().stepsInFlight == 0 })
    }
}
