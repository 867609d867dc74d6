// SPDX-License-Identifier: Apache-2.0

import Control
import Wire

/// Events for a planner: sizes in MB, speeds in GB/s and GOP/s, round trips in ms, links in MB/s.
///
/// `planner layers=… layer=… head=… embedding=… kv=… scratch=… row=BYTES streams=… depth=…
/// [latency]`, then `worker NAME memory=… bandwidth=… int8=… host=… threads=…
/// cores=… rtt=… rate=… correction=…`, `link FROM TO rtt=… rate=…`, and `plan`.
struct PlannerPlayer: TranscriptPlayer {
    private let planner: Planner
    private var workers: [PlannerWorker] = []
    private var links: [WorkerPair: NetworkPath] = [:]

    init(_ event: TranscriptEvent) {
        func bytes(_ key: String) -> UInt64 { UInt64((event.number(key) ?? 0) * 1e6) }
        let layerCount = event.integer("layers") ?? 1
        let layer = bytes("layer")
        func part(_ bytes: UInt64) -> ModelWork.Part {
            // As in Q4_0: 18 bytes hold 32 weights.
            ModelWork.Part(byteCount: bytes, int8Count: bytes / 18 * 32)
        }
        let work = ModelWork(
            layers: Array(repeating: part(layer), count: layerCount),
            // As in Llama 3.1 8B.
            lastKeysAndValues: part(layer / 26), head: part(bytes("head")),
            kvBytesPerPosition: UInt64(event.integer("position") ?? 0), attentionOperations: 0,
            rowBytes: UInt64(event.integer("row") ?? 0), contextLength: 4096)
        let model = PlannerModel(
            layerBytes: Array(repeating: layer, count: layerCount),
            embeddingBytes: bytes("embedding"), outputBytes: bytes("head"), tiedHead: false,
            kvBytesPerLayer: bytes("kv"), scratchBytes: bytes("scratch"), work: work)
        planner = Planner(
            model: model,
            goal: PlannerGoal(
                objective: event.has("latency") ? .latency : .throughput,
                streams: event.integer("streams") ?? 1, depth: event.integer("depth") ?? 0))
    }

    mutating func play(_ event: TranscriptEvent) -> [String] {
        switch event.words[0] {
        case "worker": workers.append(worker(event))
        case "link":
            let pair = WorkerPair(from: node(event.words[1]), to: node(event.words[2]))
            links[pair] = path(event)
        case "plan": return plan()
        default: return ["unknown event"]
        }
        return []
    }

    private func worker(_ event: TranscriptEvent) -> PlannerWorker {
        func rate(_ key: String, _ factor: Double = 1e9) -> UInt64 {
            UInt64((event.number(key) ?? 0) * factor)
        }
        let name = event.words[1]
        return PlannerWorker(
            node: node(name), name: name, memoryBudgetBytes: rate("memory", 1e6),
            speed: WorkerSpeed(
                readBytesPerSecond: rate("bandwidth"), hostReadBytesPerSecond: rate("machine"),
                int8OperationsPerSecond: rate("int8"), loopNanoseconds: 1_000),
            host: event.integer("host").map { NodeID(high: 9, low: UInt64($0)) },
            threadCount: event.integer("threads") ?? 1, coreCount: event.integer("cores") ?? 1,
            path: event.number("rtt") == nil ? nil : path(event),
            correction: event.number("correction") ?? 1)
    }

    private func path(_ event: TranscriptEvent) -> NetworkPath {
        NetworkPath(
            roundTripSeconds: (event.number("rtt") ?? 0) / 1e3,
            bytesPerSecond: (event.number("rate") ?? 117.5) * 1e6)
    }

    private func node(_ name: String) -> NodeID {
        NodeID(high: 1, low: name.utf8.reduce(0) { $0 &* 257 &+ UInt64($1) })
    }

    private func plan() -> [String] {
        let plan: Plan
        do {
            plan = try planner.plan(workers: workers, links: links)
        } catch {
            return ["\(error)"]
        }
        let times = plan.prediction?.stages.map { " \(TimeSpan($0.seconds))" } ?? []
        var lines = plan.stages.enumerated().map { index, stage in
            let need = (Double(stage.needBytes) / 1e6).rounded()
            return "\(stage.name) \(stage.layers.lowerBound)..<\(stage.layers.upperBound) "
                + "\(Int(need)) MB" + (index < times.count ? times[index] : "")
        }
        lines += plan.leftOut.map { "\($0.name) is left out: \($0.reason)" }
        guard let found = plan.prediction else { return lines }
        func rate(_ value: Double) -> Double { (value * 100).rounded() / 100 }
        lines.append(
            "one stream \(rate(found.singleStreamTokensPerSecond)) tok/s, \(found.streams) streams "
                + "\(rate(found.tokensPerSecond)) tok/s in \(found.stepsInFlight) steps, first "
                + "token after \(TimeSpan(found.firstTokenSeconds))")
        lines.append(
            "context \(found.contextLengthMax.map(String.init) ?? "any"); limit: \(found.limit)")
        return lines
    }
}
