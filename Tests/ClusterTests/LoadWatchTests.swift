// SPDX-License-Identifier: Apache-2.0

import Cluster
import Testing
import Wire

struct LoadWatchTests {
    private func frame(_ message: Message, epoch: UInt32 = 0) -> Link.Event {
        .frame(Frame(epoch: epoch, id: 0, message: message))
    }

    @Test func aNewerPlanMakesALoadPointless() {
        let watch = LoadWatch()
        watch.note(frame(.spare, epoch: 3))
        #expect(!watch.isPointless(epoch: 3))
        #expect(watch.isPointless(epoch: 2))
        // An older one does not.
        watch.note(frame(.spare, epoch: 2))
        #expect(!watch.isPointless(epoch: 3))
        watch.begin()
        #expect(!watch.isPointless(epoch: 1))
    }

    @Test func whatChangesNoPlanDoesNot() {
        let watch = LoadWatch()
        for message in [
            Message.drain, .welcome(Welcome(protocolVersion: 1, heartbeatMilliseconds: 1)),
        ] {
            watch.note(frame(message, epoch: 9))
        }
        #expect(!watch.isPointless(epoch: 1))
    }

    @Test func theEndOfTheMembershipDoes() {
        let notice = ErrorNotice(code: .refused, message: "no")
        for event in [frame(.bye), frame(.released), frame(.error(notice)), .closed(reason: nil)] {
            let watch = LoadWatch()
            watch.note(event)
            #expect(watch.isPointless(epoch: 1))
            watch.begin()
            #expect(!watch.isPointless(epoch: 1))
        }
    }

    /// A worker that leaves runs steps until its layers have moved.
    @Test func aLeaveIsForGoodAndMakesNoStepPointless() {
        let watch = LoadWatch()
        #expect(!watch.isLeaving)
        watch.leave()
        watch.begin()
        #expect(watch.isLeaving)
        #expect(!watch.isPointless(epoch: 1))
    }

    @Test func aStopIsForGood() {
        let watch = LoadWatch()
        watch.stop()
        watch.begin()
        #expect(watch.isPointless(epoch: 1))
    }
}
