// SPDX-License-Identifier: Apache-2.0

import Platform
import Testing

struct MailboxTests {
    @Test func elementsComeInOrder() {
        let mailbox = Mailbox<Int>(capacity: 300)
        for round in 0..<3 {
            for number in 0..<300 { #expect(mailbox.offer(round * 1000 + number)) }
            for number in 0..<300 { #expect(mailbox.take() == round * 1000 + number) }
        }
        // Taking and adding in turn goes through the place where the queue is moved up.
        for number in 0..<200 { mailbox.offer(number) }
        for number in 200..<1000 {
            #expect(mailbox.take() == number - 200)
            #expect(mailbox.offer(number))
        }
        #expect(mailbox.take() == 800)
    }

    /// What goes through one that is never empty must not stay in memory behind its head.
    @Test func whatWasTakenIsLetGo() {
        final class Load: Sendable {}
        let mailbox = Mailbox<Load>(capacity: 8)
        weak var seen: Load?
        do {
            let load = Load()
            seen = load
            mailbox.offer(load)
        }
        mailbox.offer(Load())
        #expect(seen != nil)
        #expect(mailbox.take() != nil)
        #expect(seen == nil)
    }

    @Test func aFullMailboxTakesNoOffer() {
        let mailbox = Mailbox<Int>(capacity: 2)
        #expect(mailbox.offer(1))
        #expect(mailbox.offer(2))
        #expect(!mailbox.offer(3))
        #expect(mailbox.take() == 1)
        #expect(mailbox.offer(3))
        #expect(mailbox.take() == 2)
        #expect(mailbox.take() == 3)
        #expect(mailbox.take(timeout: .zero) == nil)
    }

    @Test func aClosedMailboxGivesWhatItHolds() {
        let mailbox = Mailbox<Int>(capacity: 2)
        mailbox.offer(1)
        #expect(!mailbox.isClosed)
        mailbox.close()
        #expect(mailbox.isClosed)
        #expect(!mailbox.offer(2))
        #expect(!mailbox.post(2))
        #expect(mailbox.take() == 1)
        #expect(mailbox.take() == nil)
    }

    @Test func postWaitsForRoom() throws {
        let mailbox = Mailbox<Int>(capacity: 1)
        let results = Mailbox<Bool>(capacity: 100)
        let thread = try OSThread(name: "post") {
            for number in 0..<100 { results.offer(mailbox.post(number)) }
        }
        for number in 0..<100 { #expect(mailbox.take() == number) }
        thread.join()
        for _ in 0..<100 { #expect(results.take(timeout: .zero) == true) }
    }

    @Test func closingWakesThoseWhoWait() throws {
        let full = Mailbox<Int>(capacity: 1)
        full.offer(0)
        let empty = Mailbox<Int>(capacity: 1)
        let posted = Mailbox<Bool>(capacity: 1)
        let taken = Mailbox<Int?>(capacity: 1)
        let poster = try OSThread(name: "post") { posted.offer(full.post(1)) }
        let taker = try OSThread(name: "take") { taken.offer(empty.take()) }
        full.close()
        empty.close()
        poster.join()
        taker.join()
        #expect(posted.take(timeout: .zero) == false)
        #expect(taken.take(timeout: .zero) == .some(nil))
    }

    @Test func manyThreadsLoseNothing() throws {
        let mailbox = Mailbox<Int>(capacity: 7)
        let sums = Mailbox<Int>(capacity: 4)
        let takers = try (0..<4).map { _ in
            try OSThread(name: "take") {
                var sum = 0
                while let number = mailbox.take() { sum += number }
                sums.offer(sum)
            }
        }
        let posters = try (0..<4).map { part in
            try OSThread(name: "post") {
                for number in 0..<1000 { mailbox.post(part * 1000 + number) }
            }
        }
        for thread in posters { thread.join() }
        mailbox.close()
        for thread in takers { thread.join() }
        let total = (0..<4).reduce(0) { sum, _ in sum + (sums.take(timeout: .zero) ?? 0) }
        #expect(total == (0..<4000).reduce(0, +))
    }
}
