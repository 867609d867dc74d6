// SPDX-License-Identifier: Apache-2.0

package import Platform

extension Listener {
    /// Waits for the next connection; nil once `stop` has been called.
    package func accept(writeTimeout: Duration) -> ByteStream? {
        while true {
            switch acceptNow(writeTimeout: writeTimeout) {
            case .stream(let stream): return stream
            case .stopped: return nil
            case .none: _ = StreamWatch.wait(for: [], or: self, timeout: nil)
            }
        }
    }
}
