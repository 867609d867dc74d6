// SPDX-License-Identifier: Apache-2.0

import Cluster

/// Statuses as a coordinator might give them.
enum ShownStatus {
    static func stage(_ index: Int, of count: Int, layers: Int) -> StageStatus {
        var stage = StageStatus(
            stage: index, worker: "box\(index)", layerStart: layers * index / count,
            layerEnd: layers * (index + 1) / count)
        stage.isa = "avx512vnni"
        stage.threads = 8
        stage.residentBytes = 1_234_567_890 + index * 10_000_000
        stage.memoryBudgetBytes = 4 << 30
        stage.stepCount = 12_345
        stage.computeMicrosecondsPerToken = 18_250
        stage.waitMicrosecondsPerToken = 4_100
        stage.sendMicrosecondsPerToken = 12
        stage.utilisation = 0.95 - 0.013 * Double(index % 40)
        stage.sendShare = 0.04
        stage.roundTripMicroseconds = 180 + 7 * index
        stage.receivedBytesPerSecond = index == 0 ? 5_400 : 1_310_720
        stage.sentBytesPerSecond = 1_310_720
        return stage
    }

    static func busy(stages: Int, streams: Int) -> ClusterStatus {
        let layers = max(32, stages)
        var status = ClusterStatus(
            model: "Llama-3.1-8B-Q4_0", contextLength: 4096, layerCount: layers)
        status.state = "ready"
        status.epoch = 3
        status.slotCount = 16
        status.pageCount = 1024
        status.pageTokens = 64
        status.pagesInUse = 40 * min(16, streams) + 92
        status.pagesKept = 92
        status.preemptions = 3
        status.slotsInUse = min(16, streams)
        status.waiting = max(0, streams - 16)
        status.waitingMax = 256
        status.requestsServed = 1_024
        status.tokensGenerated = 98_765
        status.coordinatorPrivateBytes = 52_428_800
        status.vocabularyTableBytes = 31_457_280
        status.shippedBytes = 4_700_000_000
        status.uptimeSeconds = 11_105
        status.stages = (0..<stages).map { stage($0, of: stages, layers: layers) }
        status.flow = flow
        status.streams = (0..<streams).map(stream)
        status.events = [
            EventStatus(kind: .ready, text: "plan 3 is ready", secondsAgo: 95),
            EventStatus(kind: .plan, text: "plan 3: \(stages) stages", secondsAgo: 97.5),
            EventStatus(
                kind: .lost, text: "worker box9 is gone: nothing heard for 3.0 seconds",
                secondsAgo: 98),
            EventStatus(
                kind: .joined, text: "worker box9 joined from 192.168.7.29:51234",
                secondsAgo: 11_000),
        ]
        return status
    }

    private static func stream(_ index: Int) -> StreamStatus {
        let state: StreamStatus.State =
            index < 12 ? .generating : index < 16 ? .prefill : .waiting
        let generated: Int = index < 12 ? 400 - 31 * index : 0
        let speed: Double = index < 12 ? 14.25 + Double(index) / 8 : 0
        let age: Double = max(0.5, 31.5 - Double(index))
        return StreamStatus(
            id: UInt64(1_025 + index), state: state, promptTokens: 17 * (index + 1),
            generatedTokens: generated, tokensPerSecond: speed, ageSeconds: age)
    }

    private static var flow: FlowStatus {
        var flow = FlowStatus()
        flow.stepsPerSecond = 52.4
        flow.rowsPerSecond = 231.7
        flow.promptTokensPerSecond = 61.25
        flow.generatedTokensPerSecond = 171.04
        flow.busyShare = 1
        flow.bubbleShare = 0.073
        flow.stepTime = latency(76_300, 81_000, 210_400)
        flow.timeToFirstToken = latency(412_000, 1_900_000, 12_345_678)
        flow.interTokenTime = latency(71_000, 74_500, 198_000)
        return flow
    }

    private static func latency(_ p50: Int, _ p90: Int, _ p99: Int) -> LatencyStatus {
        var latency = LatencyStatus()
        latency.p50Microseconds = p50
        latency.p90Microseconds = p90
        latency.p99Microseconds = p99
        latency.count = 1_024
        return latency
    }
}
