// SPDX-License-Identifier: Apache-2.0

import Platform

/// A thread that does for one request after another what takes long: reads bodies, or writes
/// answers.
///
/// To tokenise megabytes takes seconds, and so does writing as many of log-probabilities. Meanwhile
/// a thread of the HTTP library would serve none of its other connections, whose streams would
/// stand still, and the generator's thread would serve nobody.
final class LongRequests: Sendable {
    private let jobs: Mailbox<@Sendable () -> Void>

    init(thread name: String, countMax: Int) throws(ThreadError) {
        jobs = Mailbox(capacity: countMax)
        let thread = try OSThread(name: name) { [jobs] in
            while let job = jobs.take() { job() }
        }
        // When the server stops, what it is at is of no use to anyone.
        thread.letGo()
    }

    /// What still waits finds out that nobody wants it.
    deinit { jobs.close() }

    /// False where too many wait.
    func post(_ job: @escaping @Sendable () -> Void) -> Bool { jobs.offer(job) }
}
