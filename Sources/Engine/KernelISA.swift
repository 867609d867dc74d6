// SPDX-License-Identifier: Apache-2.0

package import CKernels

/// The instruction sets that kernels exist for, slowest first. All give the same bits.
///
/// `avxvnni` is AVX2 with dot products of bytes, `neon` that of ARMv8.2 with them; an ARM CPU
/// without them runs the portable code.
package enum KernelISA: String, Sendable, CaseIterable {
    case portable
    case avx2
    case avxvnni
    case avx512vnni
    case neon

    /// Whether this CPU can run it.
    package var isSupported: Bool { ck_isa_supported(code) }

    /// The fastest one this CPU has, or the one that `CARAVAN_ISA` in the environment names.
    package static func selected() throws(EngineError) -> KernelISA { try choice.get() }

    private static let choice: Result<KernelISA, EngineError> = {
        let forced = ck_forced_isa().map { String(cString: $0) }
        return Result { () throws(EngineError) in try choose(forced: forced) }
    }()

    /// The choice for a value of `CARAVAN_ISA`; nil or an empty one leaves it to the CPU.
    package static func choose(forced: String?) throws(EngineError) -> KernelISA {
        guard let forced, !forced.isEmpty else {
            return allCases.last { $0.isSupported } ?? .portable
        }
        guard let isa = KernelISA(rawValue: forced) else { throw .unknownISA(forced) }
        guard isa.isSupported else { throw .unsupportedISA(isa) }
        return isa
    }

    /// The kernels' name for it.
    package var code: ck_isa {
        switch self {
        case .portable: CK_PORTABLE
        case .avx2: CK_AVX2
        case .avxvnni: CK_AVXVNNI
        case .avx512vnni: CK_AVX512VNNI
        case .neon: CK_NEON
        }
    }
}
