// SPDX-License-Identifier: Apache-2.0

/// Which element type each tensor gets, as in the real files of that name.
///
/// Vectors are F32. Llama.cpp's quantiser stores the output layer, which a tied embedding is as
/// well, more finely than the rest.
package struct SyntheticMix: Sendable, Equatable {
    /// As in `--type`.
    package let name: String
    let body: ElementType
    let head: ElementType

    package static let all: [SyntheticMix] = [
        .init(name: "f32", body: .f32, head: .f32),
        .init(name: "f16", body: .f16, head: .f16),
        .init(name: "bf16", body: .bf16, head: .bf16),
        .init(name: "q8_0", body: .q8_0, head: .q8_0),
        .init(name: "q4_0", body: .q4_0, head: .q8_0),
        .init(name: "q4_1", body: .q4_1, head: .q8_0),
        .init(name: "q5_0", body: .q5_0, head: .q8_0),
        .init(name: "q5_1", body: .q5_1, head: .q8_0),
    ]

    func type(of role: TensorRole, in shape: SyntheticShape) -> ElementType {
        if role.isVector { return .f32 }
        let isHead = role == .output || (role == .embedding && shape.hasTiedHead)
        return isHead ? head : body
    }
}
