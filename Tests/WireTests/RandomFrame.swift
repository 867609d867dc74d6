// SPDX-License-Identifier: Apache-2.0

import Wire

/// Makes frames of every kind with values from all of their ranges.
struct RandomFrame {
    var generator: SplitMix64

    mutating func frame(_ kind: MessageKind) -> Frame {
        Frame(epoch: any(), id: any(), message: message(kind))
    }

    private mutating func message(_ kind: MessageKind) -> Message {
        switch kind {
        case .hello: .hello(hello())
        case .welcome:
            .welcome(Welcome(protocolVersion: any(), heartbeatMilliseconds: from(1...1000)))
        case .assignment: .assignment(assignment())
        case .blobRequest:
            .blobRequest(BlobRequest(digest: digest(), offset: any(), count: any() | 1))
        case .blobChunk:
            .blobChunk(
                BlobChunk(
                    digest: digest(), offset: from(0...(.max - 5000)),
                    bytes: many(1...5000) { $0.any() }))
        case .ready: .ready(Ready(residentBytes: any(), shippedBytes: any()))
        case .heartbeat:
            .heartbeat(
                Heartbeat(
                    stepCount: any(), rowCount: any(), computeMicroseconds: any(),
                    waitMicroseconds: any(), sendMicroseconds: any(), residentBytes: any(),
                    roundTripMicroseconds: any(), receivedBytes: any(), sentBytes: any(),
                    nextRoundTripMicroseconds: any(), nextBytesPerSecond: any(),
                    linkBytesPerSecond: any()))
        case .error:
            .error(
                ErrorNotice(
                    code: ErrorNotice.Code(rawValue: from(1...8)) ?? .malformed,
                    message: text(1024)))
        case .drain: .drain
        case .bye: .bye
        case .preparation: .preparation(assignment())
        case .prepared: .prepared(Prepared(shippedBytes: any(), failure: text(1024)))
        case .spare: .spare
        case .released: .released
        case .stranded: .stranded(Stranded(reason: text(1024)))
        case .probe: .probe(Probe(filler: many(0...5000) { $0.any() }))
        case .probeAnswer: .probeAnswer(ProbeAnswer(count: any()))
        case .dataHello:
            .dataHello(
                DataHello(
                    protocolVersion: any(), node: NodeID(high: any(), low: any()),
                    fromStage: from(0...255)))
        case .step: .step(step())
        case .candidates:
            .candidates(
                Candidates(
                    rows: many(0...20) { $0.prediction() }, trail: many(0...8) { $0.timing() }))
        }
    }

    private mutating func any<T: FixedWidthInteger>() -> T {
        T.random(in: T.min...T.max, using: &generator)
    }

    private mutating func from<T: FixedWidthInteger>(_ range: ClosedRange<T>) -> T {
        switch Int.random(in: 0..<8, using: &generator) {
        case 0: range.lowerBound
        case 1: range.upperBound
        default: T.random(in: range, using: &generator)
        }
    }

    private mutating func many<T>(
        _ counts: ClosedRange<Int>, _ make: (inout RandomFrame) -> T
    ) -> [T] {
        (0..<from(counts)).map { _ in make(&self) }
    }

    /// Finite, so that frames can be compared with `==`.
    private mutating func float() -> Float { Float.random(in: -1e6...1e6, using: &generator) }

    private mutating func text(_ limit: Int) -> String {
        let letters: [Character] = ["a", "Z", "0", " ", "\\", "\"", "é", "e\u{301}", "中", "🐫"]
        var text = ""
        for letter in many(0...limit, { letters[$0.from(0...letters.count - 1)] }) {
            if (text + String(letter)).utf8.count > limit { break }
            text.append(letter)
        }
        return text
    }

    private mutating func digest() -> BlobDigest {
        guard let digest = BlobDigest((0..<32).map { _ in any() }) else {
            preconditionFailure("32 bytes make a digest")
        }
        return digest
    }

    private mutating func hello() -> Hello {
        let oldest: UInt16 = any()
        return Hello(
            protocolMin: oldest, protocolMax: from(oldest...(.max)),
            node: NodeID(high: any(), low: any()), name: text(255), dataAddress: text(40),
            cores: any(), threads: any(), isa: text(12), softwareVersion: text(20),
            memoryBudgetBytes: any(), host: NodeID(high: any(), low: any()),
            freeMemoryBytes: any(),
            speed: WorkerSpeed(
                readBytesPerSecond: any(), hostReadBytesPerSecond: any(),
                int8OperationsPerSecond: any(), f32OperationsPerSecond: any(),
                loopNanoseconds: any()))
    }

    private mutating func assignment() -> Assignment {
        let heads: UInt32 = from(1...4096)
        let headSize: UInt32 = from(1...4096)
        let shape = ModelShape(
            layerCount: from(1...4096), embeddingLength: from(1...65_536),
            feedForwardLength: from(1...1_048_576), headCount: heads, headCountKV: from(1...heads),
            headSize: headSize, ropeDimensionCount: from(0...headSize),
            vocabularySize: from(1...1_048_576), contextLength: from(1...16_777_216),
            ropeBase: abs(float()) + 1, ropeScale: abs(float()) + 1, rmsEpsilon: abs(float()))
        let stageCount: UInt16 = from(1...256)
        let layerEnd = from(1...shape.layerCount)
        return Assignment(
            shape: shape, stage: from(0...stageCount - 1), stageCount: stageCount,
            layerStart: from(0...layerEnd - 1), layerEnd: layerEnd, slotCount: from(1...65_536),
            contextLength: from(1...16_777_216), rowCountMax: from(1...4096),
            wireType: shape.embeddingLength % 32 == 0 ? .q8 : from(0...1) == 0 ? .f16 : .f32,
            pageCount: from(1...16_777_216), pagePositionCount: 32 * from(1...128),
            cacheType: from(0...1) == 0 ? .f16 : .q8,
            nextAddress: text(255), blobs: many(0...8) { $0.blob() })
    }

    private mutating func blob() -> BlobDescription {
        let byteCount: UInt64 = from(1...1 << 40)
        return BlobDescription(
            digest: digest(), byteCount: byteCount,
            tensors: many(0...12) { random in
                TensorDescription(
                    name: random.text(60), type: random.any(),
                    shape: random.many(1...4) { $0.from(1...UInt64.max) },
                    offset: random.from(0...byteCount - 1))
            })
    }

    private mutating func step() -> Step {
        let rows = many(0...40) { $0.row() }
        return Step(
            edits: many(0...10) { $0.edit() }, rows: rows,
            activations: activations(rowCount: rows.count), trail: many(0...8) { $0.timing() })
    }

    private mutating func activations(rowCount: Int) -> Activations {
        let width: Int = from(1...100)
        switch from(0...3) {
        case 0: return .none
        case 1: return .f32((0..<rowCount * width).map { _ in float() })
        case 2: return .f16((0..<rowCount * width).map { _ in any() })
        default:
            let blockCount = rowCount * (width / 32 + 1)
            return .q8(
                scales: (0..<blockCount).map { _ in float() },
                codes: (0..<blockCount * 32).map { _ in any() })
        }
    }

    private mutating func row() -> Row {
        let want: Row.Want =
            switch from(0...2) {
            case 0: .nothing
            case 1: .candidates(count: from(1...1024))
            default: .allLogits
            }
        return Row(slot: any(), position: any(), token: any(), want: want)
    }

    private mutating func edit() -> KVEdit {
        let slot: UInt32 = from(1...(.max))
        return switch from(0...2) {
        case 0: .release(slot: slot)
        case 1: .truncate(slot: slot, length: any())
        default: .fork(slot: slot, source: slot - 1, length: any())
        }
    }

    private mutating func timing() -> StageTiming {
        StageTiming(
            stage: any(), waitMicroseconds: any(), computeMicroseconds: any(),
            sendMicroseconds: any())
    }

    private mutating func prediction() -> RowCandidates {
        let logits: RowCandidates.Logits =
            from(0...1) == 0
            ? .top(many(1...64) { Candidate(id: $0.any(), logit: $0.float()) })
            : .all(many(1...300) { $0.float() })
        return RowCandidates(slot: any(), position: any(), logSumExp: float(), logits: logits)
    }
}
