// SPDX-License-Identifier: Apache-2.0

import Cluster
import Platform
import Testing
import Wire

struct HeartTests {
    /// A thread that is at something until told to end.
    private final class Work {
        private let ending = Mailbox<Void>(capacity: 1)
        private let thread: OSThread

        init(_ heart: Heart) throws {
            let begun = Mailbox<Void>(capacity: 1)
            thread = try OSThread(name: "work") { [ending] in
                heart.watching {
                    begun.offer(())
                    _ = ending.take()
                }
            }
            _ = begun.take()
        }

        func end() {
            ending.close()
            thread.join()
        }
    }

    private func heart(of pair: LinkPair, patience: Duration) -> Heart {
        Heart(link: pair.near, dataTraffic: ByteTally(), patience: patience)
    }

    @Test func whoHangsEndsItsLink() throws {
        let pair = try LinkPair()
        let heart = heart(of: pair, patience: .zero)
        let work = try Work(heart)
        try heart.start(interval: .milliseconds(10))
        while LinkPair.frame(pair.farEvents) != nil {}
        #expect(try #require(LinkPair.closing(pair.nearEvents)).contains("hang"))
        work.end()
        heart.stop()
        pair.finish()
    }

    @Test func workThatMayStillEndIsNoHang() throws {
        let pair = try LinkPair()
        let heart = heart(of: pair, patience: .seconds(3600))
        let work = try Work(heart)
        try heart.start(interval: .milliseconds(1))
        for id in 1...3 {
            let frame = try #require(LinkPair.frame(pair.farEvents))
            #expect(frame.id == UInt64(id))
        }
        work.end()
        heart.stop()
        pair.finish()
    }
}
