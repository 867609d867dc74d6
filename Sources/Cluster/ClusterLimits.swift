// SPDX-License-Identifier: Apache-2.0

import Wire

/// Every bound of the cluster's queues and waits.
package enum ClusterLimits {
    /// For TLS's handshake, counted from the connection.
    package static let handshakeTimeout = Duration.seconds(5)
    /// For the first frame of a connection that came in, counted from the end of the handshake.
    package static let firstFrameTimeout = Duration.seconds(5)
    package static let connectTimeout = Duration.seconds(5)
    /// For the coordinator's connection to the first stage, which has just said that it is ready;
    /// the deciding thread waits for it.
    static let firstStageTimeout = Duration.seconds(2)
    /// A peer that takes no byte for this long is lost.
    package static let writeTimeout = Duration.seconds(10)
    /// For a peer to read the last frame and close its side, once this side has ended the link.
    package static let lingerTime = Duration.milliseconds(500)
    /// For all links of a session to end by themselves; beyond it they are cut off.
    package static let closingPatience = writeTimeout + lingerTime
    /// Read and thrown away of what a peer still sends after it broke a rule.
    package static let discardBytesMax = 1 << 20
    package static let heartbeatInterval = Duration.seconds(1)
    /// A peer that says nothing for this long is dead.
    package static let heartbeatTimeout = Duration.seconds(3)
    /// What counts of the time between two looks at a peer's silence: whoever looks later than that
    /// was held up itself, perhaps with its whole machine.
    static let silentGapMax = Duration.milliseconds(500)
    /// How long a step may take on one stage before its worker gives itself up. The largest ones on
    /// the slowest machines take minutes.
    package static let hangPatience = Duration.seconds(900)
    /// How often a worker looks whether its coordinator is silent.
    static let watchInterval = Duration.milliseconds(250)
    /// For all answers to the probes that measure one link; a little longer than the measurement.
    package static let probePatience = Duration.milliseconds(250)
    /// How long the coordinator waits for the workers of its first plan to measure their links.
    package static let pathPatience = Duration.milliseconds(500)
    /// How long a worker waits for others of its machine to measure themselves.
    package static let measuringPatience = Duration.seconds(5)
    /// How long a worker keeps trying to reach a coordinator that has never answered; one that has
    /// is tried for as long as it takes.
    package static let joinPatience = Duration.seconds(900)
    /// Between the first two attempts; it doubles up to the other, which is well below
    /// `settleTime`: so far apart the workers of a coordinator that comes back may join, and all
    /// are to be planned for.
    package static let joinRetryInterval = Duration.milliseconds(250)
    package static let joinRetryIntervalMax = Duration.seconds(1)
    /// The same where a worker can't have what its stage needs until somebody frees a disk, say, or
    /// restarts the coordinator: each attempt takes a pipeline down.
    static let hindrancePause = Duration.seconds(5)
    static let hindrancePauseMax = Duration.seconds(20)
    /// How long a worker that lost the link to the next stage waits for a newer plan; longer than
    /// a dead worker goes unnoticed.
    package static let strandedPatience = Duration.milliseconds(3500)
    /// For the connection to the next stage, and for it to take a byte: as long as a peer may be
    /// silent.
    package static let dataLinkTimeout = heartbeatTimeout
    /// How long the coordinator waits for further workers once the model fits.
    package static let settleTime = Duration.seconds(2)
    /// How long children have to end by themselves before they are killed.
    package static let childExitPatience = Duration.milliseconds(1200)
    /// Connections that have not proved yet that they belong here; beyond it the oldest goes.
    package static let strangersMax = 64
    /// Read and thrown away of what one of these still sends after it was refused.
    package static let strangerDiscardBytesMax = 32 << 10
    /// Connections refused in one interval whose lines are logged; the others are counted.
    package static let refusalLinesMax = 5
    package static let refusalInterval = Duration.seconds(10)
    /// Frames waiting to be sent on one link.
    package static let outgoingFramesMax = 1024
    /// Small, so that many workers can be shipped to at once from little memory.
    package static let shippingChunkBytes = 256 << 10
    /// Bytes of blobs read ahead of one link; bounds the coordinator's memory while it ships.
    package static let shippingBytesMax = 1 << 20
    static let shippingChunksMax = shippingBytesMax / shippingChunkBytes
    /// What a worker asks for at a time, and what it has room for altogether; bounds its memory
    /// while it is shipped to. The room is a few times what a fast link holds under way.
    package static let shippingPieceBytes = 4 << 20
    package static let shippingWindowBytes = 16 << 20
    /// The same for a plan that is being prepared: small, so that the steps of the present one do
    /// not queue behind chunks.
    package static let preparingPieceBytes = 1 << 20
    package static let preparingWindowBytes = 2 << 20
    /// Chunks that may wait for the disk then, however small they are.
    package static let preparingChunksMax = 4096
    /// How long a worker that was told to end waits for its layers to move. The service's
    /// `TimeoutStopSec` is longer.
    package static let leavePatience = Duration.seconds(120)
    /// How long a worker without a stage keeps the weights of its last one in memory.
    package static let keptPatience = Duration.seconds(600)
    /// Events waiting for one coordinator or worker thread; readers wait beyond it.
    package static let eventsMax = 4096
    /// Requests waiting for a slot.
    package static let queueMax = 256
    /// Rows of one step.
    package static let rowCountMax = 512
    /// Ended sequences whose pages are kept, as long as nobody needs them, for prompts that begin
    /// alike. Each has a slot beyond those of the sequences that run, which costs no memory.
    package static let keptCountMax = 64
    /// Steps in the pipeline at once: one for each stage, and what the network hides. Each queue on
    /// their way holds them all: it is below `outgoingFramesMax` and `eventsMax`.
    package static let stepsInFlightMax = Limits.stagesMax + 64
    /// How long requests wait for layers that a lost worker took with it.
    package static let recoveryLimit = Duration.seconds(120)
    /// A request that has heard nothing for this long is told that it still waits.
    package static let waitingInterval = Duration.seconds(5)
    package static let defaultSlotCount = 4
    /// Tokens of one sequence that a step may guess unless told: with the newest one as many rows
    /// as kernels multiply at once.
    package static let guessCountMax = 7
    /// A step has room for a row of each, and as many rows of prompts.
    package static let slotCountMax = rowCountMax / 2
    /// How often the coordinator looks at its clock.
    package static let tickInterval = Duration.milliseconds(100)
    /// Steps over which the shown time per token, and the shown rate, are averaged.
    package static let timingWindow = 64
    /// A step that follows an answer later than that follows a pause.
    static let turnaroundMax = Duration.milliseconds(20)
    /// Requests that a status lists one by one.
    package static let shownStreamsMax = 64
}
