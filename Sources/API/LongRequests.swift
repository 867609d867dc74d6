// SPDX-License-Identifier: Apache-2.0

import Platform

/// A thread that reads requests with long bodies, one after another.
///
/// To tokenise megabytes takes seconds. Meanwhile a thread of the HTTP library would serve none of
/// its other connections, whose streams would stand still.
final class LongRequests: Sendable {
    private let jobs = Mailbox<@Sendable () -> Void>(capacity: HTTPLimits.longRequestCountMax)

    init() {
        let thread = OSThread(name: "http-long") { [jobs] in
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
