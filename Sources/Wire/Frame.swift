// SPDX-License-Identifier: Apache-2.0

/// One unit of the protocol: a header of fixed size and a message.
package struct Frame: Sendable, Equatable {
    /// The plan this frame belongs to; frames of an older epoch are dropped. 0 before any plan.
    package var epoch: UInt32
    /// Step or request number; what it counts depends on the kind.
    package var id: UInt64
    package var message: Message

    package init(epoch: UInt32, id: UInt64, message: Message) {
        self.epoch = epoch
        self.id = id
        self.message = message
    }
}

/// Everything two processes of a cluster can say to each other.
package enum Message: Sendable, Equatable {
    case hello(Hello)
    case welcome(Welcome)
    case assignment(Assignment)
    case blobRequest(BlobRequest)
    case blobChunk(BlobChunk)
    case ready(Ready)
    case heartbeat(Heartbeat)
    /// A worker wants to leave.
    case drain
    case error(ErrorNotice)
    case bye
    case probe(Probe)
    case probeAnswer(ProbeAnswer)
    /// What the stage of a coming plan will be; its blobs are to be brought together.
    case preparation(Assignment)
    case prepared(Prepared)
    /// A plan has no stage for the worker.
    case spare
    /// A worker may leave.
    case released
    /// A worker has no link to the next stage.
    case stranded(Stranded)
    case dataHello(DataHello)
    case step(Step)
    case candidates(Candidates)
}
