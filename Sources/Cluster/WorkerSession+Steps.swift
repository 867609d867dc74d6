// SPDX-License-Identifier: Apache-2.0

import Platform
import Wire

extension WorkerSession {
    /// A frame on a data link that came in.
    func handleData(_ link: Link, _ frame: Frame) {
        switch frame.message {
        case .dataHello(let hello):
            switch dataLinks.greet(link, hello, epoch: frame.epoch) {
            case .accepted, .held(nil): break
            case .held(let evicted?):
                let reason = "too many data links wait"
                noteRefusal(evicted, reason)
                evicted.close(reason: reason)
            case .refused(let code, let message): refuse(link, code, message)
            }
        case .step(let step):
            switch dataLinks.pass(stepID: frame.id, epoch: frame.epoch, on: link) {
            case .run: run(step, id: frame.id)
            case .stale: break
            case .refused(let message): refuse(link, .unexpectedFrame, message)
            }
        case .error(let notice):
            link.close(reason: notice.message)
        case .hello, .welcome, .assignment, .blobRequest, .blobChunk, .ready, .heartbeat, .bye,
            .candidates, .drain, .preparation, .prepared, .spare, .released, .stranded,
            .probe, .probeAnswer:
            refuse(link, .unexpectedFrame, "a data link carries dataHello, then steps")
        }
    }

    private func refuse(_ link: Link, _ code: ErrorNotice.Code, _ message: String) {
        noteRefusal(link, message)
        link.refuse(code, message)
    }

    func noteRefusal(_ link: Link, _ reason: String) {
        Log.warnings(refusals.refused(link.peer, reason, now: MonotonicClock.now()))
    }

    private func run(_ step: Step, id: UInt64) {
        // Without a stage the pipeline is about to be planned anew.
        guard case .running(let runner, let next) = work else { return }
        let epoch = dataLinks.epoch
        // Those that came before the newer plan did would keep it waiting, perhaps for minutes.
        guard !loads.isPointless(epoch: epoch) else { return }
        do {
            let sent = next.traffic.lastSendMicroseconds
            switch try heart.watching({ try runner.run(step, sendMicroseconds: sent) }) {
            case .next(let step): next.send(Frame(epoch: epoch, id: id, message: .step(step)))
            case .candidates(let candidates):
                next.send(Frame(epoch: epoch, id: id, message: .candidates(candidates)))
            }
            runner.handedOver()
            heart.report(pastCounters + runner.counters)
        } catch {
            dropWork()
            Log.error("step \(id): \(error)")
            control.refuse(.stepFailed, "step \(id): \(error)")
        }
    }
}
