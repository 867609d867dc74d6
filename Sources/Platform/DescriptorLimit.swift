// SPDX-License-Identifier: Apache-2.0

import CLinux

/// How many descriptors the system lets this process have open at once, connections among them.
package enum DescriptorLimit {
    /// Raises it as far as the system lets every process, from the usual 1024.
    ///
    /// That is so low for those who use `select(2)`. Nothing here does, nor do the processes that
    /// this one starts, which inherit it: they run the same executable.
    package static func raise() { cl_raise_descriptor_limit() }

    package static var current: Int { Int(clamping: cl_descriptor_limit()) }
}
