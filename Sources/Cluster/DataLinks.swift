// SPDX-License-Identifier: Apache-2.0

package import Wire

/// The data links that came to a worker: the one its steps come over, and those that wait for the
/// plan they belong to (PROTOCOL.md, sections 5 and 6).
package struct DataLinks {
    /// What becomes of a link that has sent `dataHello`.
    package enum Greeting {
        case accepted
        /// It waits for its epoch; `evicted` has to be closed for want of room.
        case held(evicted: Link?)
        case refused(ErrorNotice.Code, String)
    }

    /// What becomes of a step.
    package enum Passage: Equatable {
        case run
        /// Of an older plan: dropped silently.
        case stale
        case refused(String)
    }

    private struct Entry {
        let link: Link
        let epoch: UInt32
        let fromStage: UInt16
    }

    /// The newest assignment's epoch; 0 before the first.
    package private(set) var epoch: UInt32 = 0
    /// The stage that sends to this one.
    private var previousStage = DataHello.coordinatorStage
    private var input: Entry?
    private var lastStepID: UInt64 = 0
    /// Oldest first.
    private var held: [Entry] = []

    package init() {}

    package mutating func greet(_ link: Link, _ hello: DataHello, epoch: UInt32) -> Greeting {
        guard hello.protocolVersion == Limits.protocolVersionMax else {
            return .refused(.unsupportedVersion, "speak protocol \(Limits.protocolVersionMax)")
        }
        guard !knows(link) else { return .refused(.unexpectedFrame, "dataHello came twice") }
        let entry = Entry(link: link, epoch: epoch, fromStage: hello.fromStage)
        if epoch > self.epoch {
            held.append(entry)
            return .held(
                evicted: held.count > Limits.pendingLinksMax ? held.removeFirst().link : nil)
        }
        guard epoch == self.epoch, epoch > 0 else {
            return .refused(.refused, "plan \(epoch) is over")
        }
        guard hello.fromStage == previousStage else {
            return .refused(.refused, "stage \(hello.fromStage) does not come before this one")
        }
        guard input == nil else {
            return .refused(.refused, "the data link of plan \(epoch) is there already")
        }
        input = entry
        return .accepted
    }

    /// Takes up the link of a new assignment; returns those that are to be closed.
    package mutating func begin(epoch: UInt32, stage: UInt16) -> [Link] {
        self.epoch = epoch
        previousStage = stage == 0 ? DataHello.coordinatorStage : stage - 1
        lastStepID = 0
        var ended = input.map { [$0.link] } ?? []
        input = nil
        for entry in held where entry.epoch <= epoch {
            if entry.epoch == epoch, entry.fromStage == previousStage, input == nil {
                input = entry
            } else {
                ended.append(entry.link)
            }
        }
        held.removeAll { $0.epoch <= epoch }
        return ended
    }

    package mutating func pass(stepID: UInt64, epoch stepEpoch: UInt32, on link: Link) -> Passage {
        guard let entry = entry(of: link) else {
            return .refused("a step came before its dataHello")
        }
        guard stepEpoch == entry.epoch else {
            return stepEpoch < entry.epoch
                ? .stale : .refused("a step of plan \(stepEpoch) on a link of \(entry.epoch)")
        }
        guard entry.epoch <= epoch else { return .refused("plan \(stepEpoch) is not known here") }
        guard stepID == lastStepID + 1 else {
            return .refused("step \(stepID) came after step \(lastStepID)")
        }
        lastStepID = stepID
        return .run
    }

    package mutating func remove(_ link: Link) {
        if input?.link === link { input = nil }
        held.removeAll { $0.link === link }
    }

    package func knows(_ link: Link) -> Bool { entry(of: link) != nil }

    private func entry(of link: Link) -> Entry? {
        input?.link === link ? input : held.first { $0.link === link }
    }
}
