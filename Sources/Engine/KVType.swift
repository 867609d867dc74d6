// SPDX-License-Identifier: Apache-2.0

import CKernels

/// How the KV cache holds keys and values.
package enum KVType: String, Sendable, CaseIterable {
    /// Two bytes an element.
    case f16
    /// A byte an element, and two for the scale of every 32 elements of a head: 53 % of f16.
    case q8

    /// The kernels' number for it.
    var code: UInt32 {
        switch self {
        case .f16: UInt32(CK_KV_F16)
        case .q8: UInt32(CK_KV_Q8)
        }
    }
}
