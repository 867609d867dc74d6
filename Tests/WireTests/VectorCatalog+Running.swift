// SPDX-License-Identifier: Apache-2.0

import Wire

extension VectorCatalog {
    static let timing = StageTiming(
        stage: 0, waitMicroseconds: 12, computeMicroseconds: 3400, sendMicroseconds: 56)

    static let tokensStep = Frame(
        epoch: 7, id: 1,
        message: .step(
            Step(rows: [
                Row(slot: 0, position: 0, token: 1, want: .nothing),
                Row(slot: 0, position: 1, token: 49_151, want: .candidates(count: 64)),
                Row(slot: 3, position: 77, token: 5, want: .allLogits),
                Row(slot: .max, position: .max, token: .max, want: .candidates(count: 1024)),
            ])))

    static let activationsStep = Frame(
        epoch: 7, id: .max,
        message: .step(
            Step(
                edits: [
                    .release(slot: 2), .truncate(slot: 0, length: 5),
                    .fork(slot: 2, source: 0, length: 4),
                ],
                rows: [
                    Row(slot: 2, position: 4, token: 9, want: .candidates(count: 1)),
                    Row(slot: 0, position: 5, token: 8, want: .nothing),
                ],
                activations: .f32([1, -0.0, .pi, .leastNonzeroMagnitude, .infinity, -2.5]),
                trail: [timing])))

    static let topCandidates = Frame(
        epoch: 7, id: 1,
        message: .candidates(
            Candidates(
                rows: [
                    RowCandidates(
                        slot: 0, position: 1, logSumExp: 18.25,
                        logits: .top([
                            Candidate(id: 42, logit: 17.5), Candidate(id: 7, logit: -1),
                            Candidate(id: 9, logit: -1),
                        ])),
                    RowCandidates(
                        slot: 3, position: 77, logSumExp: -0.5,
                        logits: .top([Candidate(id: 49_151, logit: -0.75)])),
                ],
                trail: [
                    timing,
                    StageTiming(
                        stage: 1, waitMicroseconds: .max, computeMicroseconds: 0,
                        sendMicroseconds: .max),
                ])))

    static let allCandidates = Frame(
        epoch: 7, id: 2,
        message: .candidates(
            Candidates(
                rows: [
                    RowCandidates(
                        slot: 3, position: 77, logSumExp: 2,
                        logits: .all([0.125, -3, 1.75, 0, -.infinity]))
                ],
                trail: [])))

    static let running =
        edits + [
            GoodVector(
                name: "step-tokens", note: "to stage 0, each sort of want", frame: tokensStep),
            GoodVector(
                name: "step-f32", note: "edits, two rows of width 3 and a trail",
                frame: activationsStep),
            GoodVector(
                name: "step-f16", note: "one row of width 3: 1, the largest finite, infinity",
                frame: narrow(.f16([0x3C00, 0x7BFF, 0x7C00]))),
            GoodVector(
                name: "step-q8", note: "one row of width 64, two blocks",
                frame: narrow(.q8(scales: [0.5, 2], codes: (0..<64).map { Int8($0 * 4 - 127) }))),
            step("step-f32-edits-only", "edits past stage 0", [.release(slot: 1)], .f32([])),
            GoodVector(
                name: "step-f32-nan", note: "a quiet NaN with a payload is passed on",
                frame: Frame(
                    epoch: 1, id: 1,
                    message: .step(
                        Step(
                            rows: [Row(slot: 0, position: 0, token: 0, want: .nothing)],
                            activations: .f32([Float(bitPattern: 0xFFC0_1234)]))))),
            GoodVector(
                name: "candidates-top", note: "two rows, equal logits by id", frame: topCandidates),
            GoodVector(
                name: "candidates-all", note: "a vocabulary of five", frame: allCandidates),
            GoodVector(
                name: "candidates-none", note: "no row wanted anything",
                frame: Frame(
                    epoch: 7, id: 3,
                    message: .candidates(Candidates(rows: [], trail: [timing])))),
        ]

    private static func narrow(_ activations: Activations) -> Frame {
        let row = Row(slot: 1, position: 9, token: 7, want: .candidates(count: 8))
        return Frame(
            epoch: 7, id: 6, message: .step(Step(rows: [row], activations: activations)))
    }

    private static let edits = [
        step("step-release", "edits alone", [.release(slot: 3)]),
        step("step-truncate", "edits alone", [.truncate(slot: 3, length: 100)]),
        step("step-fork", "edits alone", [.fork(slot: 3, source: 0, length: 64)]),
    ]

    private static func step(
        _ name: String, _ note: String, _ edits: [KVEdit], _ activations: Activations = .none
    ) -> GoodVector {
        GoodVector(
            name: name, note: note,
            frame: Frame(
                epoch: 7, id: 5,
                message: .step(Step(edits: edits, rows: [], activations: activations))))
    }
}
