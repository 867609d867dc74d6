// SPDX-License-Identifier: Apache-2.0

package import Wire

/// Which worker runs which layers.
package struct Plan: Sendable, Equatable {
    /// In the order of their layers, which they cover without gap.
    package var stages: [PlannedStage]
    package var leftOut: [LeftOutWorker]
    /// nil where workers did not measure themselves.
    package var prediction: PlanPrediction?
    /// Pages of KV cache that every stage has memory for; nil where the model demands none.
    package var pageCount: Int?

    package init(stages: [PlannedStage], leftOut: [LeftOutWorker] = []) {
        self.stages = stages
        self.leftOut = leftOut
    }
}

/// One worker's share of a plan.
package struct PlannedStage: Sendable, Equatable {
    package var node: NodeID
    package var name: String
    package var layers: Range<Int>
    /// Weights, KV cache and scratch.
    package var needBytes: UInt64

    package init(node: NodeID, name: String, layers: Range<Int>, needBytes: UInt64) {
        self.node = node
        self.name = name
        self.layers = layers
        self.needBytes = needBytes
    }
}

/// A worker that the plan does without.
package struct LeftOutWorker: Sendable, Equatable {
    package var node: NodeID
    package var name: String
    /// One line for people.
    package var reason: String

    package init(node: NodeID, name: String, reason: String) {
        self.node = node
        self.name = name
        self.reason = reason
    }
}
