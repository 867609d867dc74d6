// SPDX-License-Identifier: Apache-2.0

import Testing
import Wire

/// A good frame that is kept as `proto/vectors/NAME.hex` and `NAME.json`.
struct GoodVector: Sendable, CustomTestStringConvertible {
    let name: String
    let note: String
    let frame: Frame

    var testDescription: String { name }
}

/// The frames behind `proto/vectors`: every kind, and what is special about each.
enum VectorCatalog {
    static let good: [GoodVector] = joining + shipping + running

    static let node = NodeID(high: 0x0123_4567_89AB_CDEF, low: 0xFEDC_BA98_7654_3210)

    static func digest(_ first: UInt8) -> BlobDigest {
        guard let digest = BlobDigest((0..<32).map { first &+ $0 }) else {
            preconditionFailure("32 bytes make a digest")
        }
        return digest
    }

    static let hello = Frame(
        epoch: 0, id: 0,
        message: .hello(
            Hello(
                protocolMin: 1, protocolMax: 1, node: node, name: "chameau à deux bosses 🐫",
                dataAddress: "127.0.0.1:40001", cores: 16, threads: 15, isa: "avx512vnni",
                softwareVersion: "0.1.0", memoryBudgetBytes: 8_589_934_592,
                host: NodeID(high: 0x1122_3344_5566_7788, low: 0x99AA_BBCC_DDEE_FF00),
                freeMemoryBytes: 10_737_418_240,
                speed: WorkerSpeed(
                    readBytesPerSecond: 30_000_000_000, hostReadBytesPerSecond: 36_000_000_000,
                    int8OperationsPerSecond: 500_000_000_000,
                    f32OperationsPerSecond: 90_000_000_000, loopNanoseconds: 850))))

    static let welcome = Frame(
        epoch: 0, id: 0,
        message: .welcome(Welcome(protocolVersion: 1, heartbeatMilliseconds: 1000)))

    static let heartbeat = Frame(
        epoch: 7, id: 41,
        message: .heartbeat(
            Heartbeat(
                stepCount: 1000, rowCount: 4321, computeMicroseconds: 5_000_000,
                waitMicroseconds: 1_250_000, sendMicroseconds: 90_000,
                residentBytes: 123_456_789_012, roundTripMicroseconds: 151,
                receivedBytes: 9_876_543_210, sentBytes: 1_234_567,
                nextRoundTripMicroseconds: 203, nextBytesPerSecond: 117_500_000,
                linkBytesPerSecond: 116_250_000)))

    static let probe = Frame(epoch: 0, id: 2, message: .probe(Probe(filler: [1, 250, 7, 99, 18])))

    static let error = Frame(
        epoch: 3, id: 0,
        message: .error(ErrorNotice(code: .stepFailed, message: "slot 9 is not one of 4")))

    static let prepared = Frame(
        epoch: 8, id: 0,
        message: .prepared(Prepared(shippedBytes: 0, failure: "the disk is full")))

    static let stranded = Frame(
        epoch: 8, id: 0,
        message: .stranded(Stranded(reason: "cannot connect to 10.0.0.3:7071: timed out")))

    static let dataHello = Frame(
        epoch: 7, id: 0,
        message: .dataHello(DataHello(protocolVersion: 1, node: node, fromStage: 2)))

    private static let joining = [
        GoodVector(name: "hello", note: "a worker with a name beyond ASCII", frame: hello),
        GoodVector(
            name: "hello-empty-texts", note: "every text empty, every number at its largest",
            frame: Frame(
                epoch: 0, id: 0,
                message: .hello(
                    Hello(
                        protocolMin: 0, protocolMax: .max, node: NodeID(high: .max, low: .max),
                        name: "", dataAddress: "", cores: .max, threads: .max, isa: "",
                        softwareVersion: "", memoryBudgetBytes: .max,
                        host: NodeID(high: .max, low: .max), freeMemoryBytes: .max,
                        speed: WorkerSpeed(
                            readBytesPerSecond: .max, hostReadBytesPerSecond: .max,
                            int8OperationsPerSecond: .max, f32OperationsPerSecond: .max,
                            loopNanoseconds: .max))))),
        GoodVector(name: "welcome", note: "a heartbeat each second", frame: welcome),
        GoodVector(name: "heartbeat", note: "counters of a worker", frame: heartbeat),
        GoodVector(name: "error", note: "a step that cannot be run", frame: error),
        GoodVector(
            name: "error-unsupported-version", note: "the answer to a hello of another time",
            frame: Frame(
                epoch: 0, id: 0,
                message: .error(
                    ErrorNotice(code: .unsupportedVersion, message: "speaks 1, you 2 to 3")))),
        GoodVector(
            name: "error-wrong-hash", note: "the newest code",
            frame: Frame(
                epoch: 8, id: 0,
                message: .error(ErrorNotice(code: .wrongHash, message: "layer 3")))),
        GoodVector(
            name: "drain", note: "a worker that wants to leave",
            frame: Frame(epoch: 0, id: 0, message: .drain)),
        GoodVector(
            name: "spare", note: "plan 8 has no stage for the worker",
            frame: Frame(epoch: 8, id: 0, message: .spare)),
        GoodVector(
            name: "released", note: "its layers have moved",
            frame: Frame(epoch: 8, id: 0, message: .released)),
        GoodVector(
            name: "prepared", note: "every blob of plan 8 is there",
            frame: Frame(
                epoch: 8, id: 0, message: .prepared(Prepared(shippedBytes: 1_234_567_890)))),
        GoodVector(
            name: "prepared-failed", note: "a blob can't be had, in words", frame: prepared),
        GoodVector(name: "stranded", note: "no way to the next stage", frame: stranded),
        GoodVector(
            name: "bye", note: "a header without payload",
            frame: Frame(epoch: 7, id: 0, message: .bye)),
        GoodVector(name: "probe", note: "with five bytes of filler", frame: probe),
        GoodVector(
            name: "probe-empty", note: "for the round trip alone",
            frame: Frame(epoch: 0, id: 1, message: .probe(Probe(filler: [])))),
        GoodVector(
            name: "probe-answer", note: "to five bytes of filler",
            frame: Frame(epoch: 0, id: 2, message: .probeAnswer(ProbeAnswer(count: 5)))),
        GoodVector(name: "data-hello", note: "from stage 2", frame: dataHello),
        GoodVector(
            name: "data-hello-coordinator", note: "from the coordinator",
            frame: Frame(
                epoch: .max, id: 0,
                message: .dataHello(
                    DataHello(
                        protocolVersion: 1, node: node, fromStage: DataHello.coordinatorStage)))),
    ]
}
