// SPDX-License-Identifier: Apache-2.0

import Testing
import Wire

@Suite struct RoundTripTests {
    @Test(arguments: MessageKind.allCases)
    func randomFrames(_ kind: MessageKind) throws {
        var random = RandomFrame(generator: SplitMix64(seed: UInt64(kind.rawValue)))
        for _ in 0..<100 {
            let frame = random.frame(kind)
            let bytes = frame.encoded()
            let decoded = try decode(bytes)
            #expect(decoded == frame)
            #expect(decoded.encoded() == bytes)
        }
    }

    @Test func largestCountsGoThrough() throws {
        let row = Row(slot: 1, position: 2, token: 3, want: .candidates(count: 1024))
        let timing = StageTiming(
            stage: 255, waitMicroseconds: 1, computeMicroseconds: 2, sendMicroseconds: 3)
        let step = Step(
            edits: [KVEdit](repeating: .release(slot: 1), count: Limits.editsMax),
            rows: [Row](repeating: row, count: Limits.rowsMax),
            activations: .f32([Float](repeating: 0.5, count: Limits.rowsMax * 64)),
            trail: [StageTiming](repeating: timing, count: Limits.stagesMax))
        let frame = Frame(epoch: 1, id: 1, message: .step(step))
        #expect(try decode(frame.encoded()) == frame)

        let chunk = BlobChunk(
            digest: VectorCatalog.digest(1), offset: 0,
            bytes: [UInt8](repeating: 7, count: Limits.blobChunkBytesMax))
        let shipping = Frame(epoch: 1, id: 1, message: .blobChunk(chunk))
        #expect(shipping.encoded().count == Limits.headerBytes + Limits.blobChunkPayloadBytesMax)
        #expect(try decode(shipping.encoded()) == shipping)

        let prediction = RowCandidates(
            slot: 0, position: 0, logSumExp: 1,
            logits: .all([Float](repeating: -1, count: Limits.vocabularyMax)))
        let answer = Frame(
            epoch: 1, id: 1, message: .candidates(Candidates(rows: [prediction], trail: [])))
        #expect(try decode(answer.encoded()) == answer)
    }

    /// A notice is prose about whatever happened: it is made to fit rather than trap the sender.
    @Test func errorMessageIsMadeFit() throws {
        let long = ErrorNotice(
            code: .refused, message: "a\nb\u{1B}" + String(repeating: "é", count: 600))
        let frame = try decode(Frame(epoch: 0, id: 0, message: .error(long)).encoded())
        guard case .error(let notice) = frame.message else {
            Issue.record("not an error")
            return
        }
        #expect(notice.message == "a b " + String(repeating: "é", count: 510))
        #expect(notice.message == long.sentMessage)
    }

    /// No error of this module gives a notice the other side could not read.
    @Test(arguments: BadVectorCatalog.all)
    func everyReasonCanBeSent(_ vector: BadVector) throws {
        let error = try #require(throws: WireError.self) { try decode(vector.bytes) }
        let frame = Frame(epoch: 0, id: 0, message: .error(error.notice))
        #expect(try decode(frame.encoded()) == frame)
    }
}
