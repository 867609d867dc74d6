// SPDX-License-Identifier: Apache-2.0

import Engine
import Wire

/// Between what the engine computes with and what travels.
extension Activations {
    init(_ values: [Float], as type: WireType, isa: KernelISA) {
        switch type {
        case .f32: self = .f32(values)
        case .f16: self = .f16(isa.narrow(values))
        case .q8:
            let (scales, codes) = isa.quantise(values)
            self = .q8(scales: scales, codes: codes)
        }
    }

    /// Empty for `.none`.
    func values(isa: KernelISA) -> [Float] {
        switch self {
        case .none: []
        case .f32(let values): values
        case .f16(let halves): isa.widen(halves)
        case .q8(let scales, let codes): KernelISA.dequantise(scales: scales, codes: codes)
        }
    }
}
