// SPDX-License-Identifier: Apache-2.0

import Wire

/// What a plan is expected to do, worked out before a byte moves.
package struct PlanPrediction: Sendable, Equatable {
    package struct Stage: Sendable, Equatable {
        /// For a step of one row: what a single stream sees.
        package var seconds: Double
        /// For one step among those that are in flight with all streams.
        package var busySeconds: Double
    }

    package var stages: [Stage]
    /// Of one stream alone.
    package var singleStreamTokensPerSecond: Double
    /// Sequences that `tokensPerSecond` is the sum of.
    package var streams: Int
    package var stepsInFlight: Int
    package var tokensPerSecond: Double
    /// Positions that these have while they generate.
    package var depth: Int
    /// Tokens of the prompt that `firstTokenSeconds` is for.
    package var promptLength: Int
    package var firstTokenSeconds: Double
    /// What a prompt row takes the slowest stage, among as many as a small part of a prompt has.
    package var promptRowSeconds: Double
    /// Positions that each slot could have, given the workers' memory; nil where a position takes
    /// no memory.
    package var contextLengthMax: Int?
    package var limit: PlanLimit

    package static let promptLength = 512

    /// The path from one worker to another, as far as it is known.
    static func path(
        _ a: PlannerWorker, _ b: PlannerWorker, _ links: [WorkerPair: NetworkPath]
    ) -> NetworkPath {
        if let measured = links[WorkerPair(from: a.node, to: b.node)] { return measured }
        if a.sharesHost(with: b) { return .sameHost }
        return .between(a.path ?? .unmeasured, b.path ?? .unmeasured)
    }
}

/// What keeps a plan from being faster.
package enum PlanLimit: Sendable, Equatable, CustomStringConvertible {
    /// A worker's reading of weights.
    case reading(String)
    /// A worker's arithmetic.
    case computing(String)
    /// Workers of one machine share its memory's speed, or its cores.
    case sharedReading([String])
    case sharedCores([String])
    case network
    /// With more memory elsewhere the layers would lie better.
    case memory

    package var description: String {
        switch self {
        case .reading(let name): "the memory bandwidth of \(name)"
        case .computing(let name): "the arithmetic of \(name)"
        case .sharedReading(let names):
            "the memory bandwidth that \(names.joined(separator: ", ")) share"
        case .sharedCores(let names): "the cores that \(names.joined(separator: ", ")) share"
        case .network: "the network"
        case .memory: "memory: the fastest workers have no room for more layers"
        }
    }
}
