// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The real model that tests run on, and the one place that says where it is.
package enum TestModel {
    /// `$CARAVAN_TEST_MODEL`, else the file in the user's cache. Tests fail where it is missing.
    package static var path: String {
        if let path = environment("CARAVAN_TEST_MODEL") { return path }
        let cache = environment("XDG_CACHE_HOME") ?? "\(environment("HOME") ?? "")/.cache"
        return "\(cache)/caravan/models/SmolLM2-135M-Instruct.Q4_1.gguf"
    }

    private static func environment(_ name: String) -> String? {
        guard let value = getenv(name), value.pointee != 0 else { return nil }
        return String(cString: value)
    }
}
