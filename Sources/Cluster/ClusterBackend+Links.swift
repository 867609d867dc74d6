// SPDX-License-Identifier: Apache-2.0

import Control
import Platform
import Wire

/// What comes over links, and what becomes of it.
extension ClusterBackend {
    func greet(_ link: Link, _ frame: Frame) -> [BackendOutcome] {
        switch frame.message {
        case .hello(let hello): return join(link, hello)
        case .dataHello(let hello):
            let stages = membership.plan?.stages ?? []
            guard hello.protocolVersion == Limits.protocolVersionMax,
                frame.epoch == membership.epoch, stages.last?.node == hello.node,
                Int(hello.fromStage) == stages.count - 1, results == nil
            else {
                refuse(link, .refused, "this data link belongs to no stage of the current plan")
                return []
            }
            results = link
            roles[ObjectIdentifier(link)] = .results(epoch: frame.epoch)
        default: refuse(link, .unexpectedFrame, "say hello first")
        }
        return []
    }

    private func join(_ link: Link, _ hello: Hello) -> [BackendOutcome] {
        let ours = Limits.protocolVersionMin...Limits.protocolVersionMax
        guard hello.protocolMin <= ours.upperBound, hello.protocolMax >= ours.lowerBound else {
            refuse(
                link, .unsupportedVersion,
                "worker \(hello.name) speaks protocol \(hello.protocolMin) to "
                    + "\(hello.protocolMax), this coordinator \(ours.lowerBound) to "
                    + "\(ours.upperBound); run the same release on both")
            return []
        }
        // A name would have to be looked up, for as long as its owner likes.
        guard SocketAddress(hello.dataAddress)?.isNumeric == true else {
            refuse(
                link, .refused,
                "worker \(hello.name) gave no address for data links, which has to be a number")
            return []
        }
        let outcomes = dropEarlier(hello.node)
        guard members.count < Limits.stagesMax else {
            refuse(link, .refused, "there are \(members.count) workers already")
            return outcomes
        }
        let worker = MemberInfo(hello)
        let namesake = membership.members.first { $0.name == worker.name && $0.home != worker.home }
        let member: Member
        do throws(ThreadError) {
            member = try Member(hello: hello, link: link, catalog: catalog) { [post] in
                post(.unshippable(link, epoch: $0, reason: $1))
            }
        } catch {
            // A worker that is refused would not try again.
            noteRefusal(of: link.peer, "\(error)")
            link.close(reason: "\(error)")
            return outcomes
        }
        let directives = membership.joined(worker: worker, now: MonotonicClock.now())
        for case .refuse(hello.node, let reason) in directives {
            member.finish()
            refuse(link, .refused, reason)
            return outcomes
        }
        members[hello.node] = member
        roles[ObjectIdentifier(link)] = .member(hello.node)
        hope.workerJoined(isLocal: children?.names.contains(hello.name) == true)
        record(.joined, "worker \(hello.name) joined from \(link.peer)")
        if hello.softwareVersion != CaravanVersion.text {
            Log.warning(
                "worker \(worker.name) is of release \(hello.softwareVersion), this coordinator of "
                    + "\(CaravanVersion.text); run the same release on both")
        }
        if let namesake {
            Log.warning(
                "\(hello.dataAddress) and \(namesake.dataAddress) are both called \(hello.name); "
                    + "--name tells them apart")
        }
        let welcome = Welcome(
            protocolVersion: min(ours.upperBound, hello.protocolMax),
            heartbeatMilliseconds: UInt32(ClusterLimits.heartbeatInterval.microseconds / 1000))
        link.send(Frame(epoch: 0, id: 0, message: .welcome(welcome)))
        return outcomes + carryOut(directives)
    }

    /// A worker that joins again has lost its link, even if that has not been noticed here.
    private func dropEarlier(_ node: NodeID) -> [BackendOutcome] {
        guard let earlier = members[node] else { return [] }
        roles[ObjectIdentifier(earlier.link)] = nil
        earlier.link.close(reason: "it joined again")
        forget(node)
        return carryOut(membership.lost(node: node, now: MonotonicClock.now()))
    }

    /// Lets go of a member whose link is closed.
    private func forget(_ node: NodeID) {
        guard let member = members.removeValue(forKey: node) else { return }
        member.finish()
        departedShippedBytes += member.shippedBytes
    }

    func handleMember(_ node: NodeID, _ frame: Frame) -> [BackendOutcome] {
        guard let member = members[node] else { return [] }
        let now = MonotonicClock.now()
        switch frame.message {
        case .heartbeat(let heartbeat):
            member.note(heartbeat, now: now)
            if let path = member.path { membership.measured(path: path, of: node) }
            if let path = member.nextPath { membership.measuredNext(path: path, of: node) }
            membership.heard(node: node, at: now)
            return []
        // What belongs to an older plan is dropped.
        case .blobRequest, .ready, .prepared, .stranded:
            guard frame.epoch <= membership.lastEpoch else {
                refuse(member.link, .unexpectedFrame, "plan \(frame.epoch) is not known here")
                return carryOut(membership.lost(node: node, now: now))
            }
            return handlePlanned(frame, of: member)
        case .drain:
            Log.info("worker \(member.hello.name) asks to leave")
            return carryOut(membership.leaving(node: node, now: now))
        case .error(let notice):
            Log.error("worker \(member.hello.name): \(notice.message)")
            // The kept digests may be wrong; made anew they cost a start minutes.
            if notice.code == .wrongHash { catalog.forget() }
            member.link.close(reason: notice.message)
            return carryOut(membership.lost(node: node, now: now))
        case .bye:
            Log.info("worker \(member.hello.name) leaves")
            member.hasLeft = true
            member.link.close(reason: Self.farewell)
            return carryOut(membership.lost(node: node, hasLeft: true, now: now))
        case .hello, .welcome, .assignment, .blobChunk, .dataHello, .step, .candidates,
            .preparation, .spare, .released, .probe, .probeAnswer:
            refuse(member.link, .unexpectedFrame, "a worker does not send this frame here")
            return carryOut(membership.lost(node: node, now: now))
        }
    }

    /// A frame that belongs to the present plan, to one being prepared, or to none any more.
    private func handlePlanned(_ frame: Frame, of member: Member) -> [BackendOutcome] {
        let isPresent = frame.epoch == membership.epoch
        switch frame.message {
        case .blobRequest(let request) where isPresent || frame.epoch == membership.comingEpoch:
            member.ask(request, epoch: frame.epoch, id: frame.id)
            return []
        case .ready(let ready) where isPresent: return note(ready, of: member)
        case .prepared(let prepared): return note(prepared, frame.epoch, of: member)
        case .stranded(let stranded) where isPresent:
            record(.lost, "worker \(member.hello.name) is stranded: \(stranded.reason)")
            return carryOut(
                membership.stranded(
                    node: member.hello.node, epoch: frame.epoch, now: MonotonicClock.now()))
        default: return []
        }
    }

    /// The present plan can't do without the blobs; of one to come nothing but that plan is lost.
    func noteUnshippable(_ link: Link, _ epoch: UInt32, _ reason: String) -> [BackendOutcome] {
        guard case .member(let node)? = roles[ObjectIdentifier(link)], !link.isDismissed else {
            return []
        }
        if epoch == membership.comingEpoch {
            Log.error(reason)
            return carryOut(
                membership.prepared(
                    node: node, epoch: epoch, failure: reason, now: MonotonicClock.now()))
        }
        if epoch == membership.epoch {
            Log.error(reason)
            link.refuse(.blobUnavailable, reason)
        }
        return []
    }

    private func note(
        _ prepared: Prepared, _ epoch: UInt32, of member: Member
    ) -> [BackendOutcome] {
        if prepared.failure.isEmpty {
            Log.info(
                "worker \(member.hello.name) has its blobs of plan \(epoch); "
                    + "\(prepared.shippedBytes) bytes were shipped to it")
        }
        return carryOut(
            membership.prepared(
                node: member.hello.node, epoch: epoch,
                failure: prepared.failure.isEmpty ? nil : prepared.failure,
                now: MonotonicClock.now()))
    }

    private func note(_ ready: Ready, of member: Member) -> [BackendOutcome] {
        let epoch = membership.epoch
        Log.info(
            "worker \(member.hello.name) is ready for plan \(epoch); "
                + "\(ready.shippedBytes) bytes were shipped to it")
        let now = MonotonicClock.now()
        return carryOut(membership.ready(node: member.hello.node, epoch: epoch, now: now))
    }

    func handleResult(_ link: Link, _ frame: Frame, _ epoch: UInt32) -> [BackendOutcome] {
        guard case .candidates(let candidates) = frame.message else {
            refuse(link, .unexpectedFrame, "a data link to the coordinator carries candidates")
            return []
        }
        guard frame.epoch <= epoch else {
            refuse(
                link, .unexpectedFrame, "candidates of plan \(frame.epoch) on a link of \(epoch)")
            return []
        }
        // Frames of an older plan are dropped.
        guard epoch == membership.epoch, frame.epoch == epoch, isUp else { return [] }
        return [.candidates(stepID: frame.id, candidates)]
    }

    func handleClosed(_ link: Link, _ reason: String?, _ role: Role?) -> [BackendOutcome] {
        link.finish()
        roles[ObjectIdentifier(link)] = nil
        outgoing[ObjectIdentifier(link)] = nil
        if results === link { results = nil }
        if firstStage === link { firstStage = nil }
        let why = reason ?? "it closed the link"
        switch role {
        case .member(let node)?:
            guard let member = members[node] else { return [] }
            forget(node)
            // Said when it was released.
            guard !member.isReleased else { return [] }
            // Its end may have been seen before this side ended the link.
            record(
                member.hasLeft ? .left : .lost,
                "worker \(member.hello.name) is gone: \(member.hasLeft ? Self.farewell : why)")
            return carryOut(membership.lost(node: node, now: MonotonicClock.now()))
        case .results(let epoch)?, .first(let epoch)?:
            guard epoch == membership.epoch, isUp else { return [] }
            // The worker at the other end is gone or has dropped the plan.
            let stages = membership.plan?.stages ?? []
            let isFirst = if case .first? = role { true } else { false }
            guard let end = isFirst ? stages.first : stages.last else { return [] }
            Log.warning("the data link of worker \(end.name) ended: \(why)")
            members[end.node]?.link.close(reason: "its data link ended")
            return carryOut(membership.lost(node: end.node, now: MonotonicClock.now()))
        case nil:
            // Where this side refused it that was said.
            if let reason, !link.isDismissed { noteRefusal(of: link.peer, reason) }
            return []
        }
    }

    func refuse(_ link: Link, _ code: ErrorNotice.Code, _ message: String) {
        noteRefusal(of: link.peer, message)
        link.refuse(code, message)
    }

    private func noteRefusal(of peer: String, _ reason: String) {
        Log.warnings(refusals.refused(peer, reason, now: MonotonicClock.now()))
    }
}
