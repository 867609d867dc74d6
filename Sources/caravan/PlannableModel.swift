// SPDX-License-Identifier: Apache-2.0

import Cluster
import Control
import Model
import Wire

/// A model to plan for: a file, or the shape of one that need not be here.
struct PlannableModel {
    let name: String
    let hyperparameters: Hyperparameters
    private let tensors: [PlannedTensor]

    static let defaultType = "q4_k_m"

    /// `text` names a shape of `caravan synth` or a file; `type` is for shapes only.
    init(_ text: String, type: String?) throws {
        guard let shape = SyntheticShape.all.first(where: { $0.name == text }) else {
            if type != nil { throw UsageError.needsOption("--type", "a shape as MODEL") }
            let file = try ModelFile(path: text)
            name = file.name
            hyperparameters = try Hyperparameters(metadata: file.metadata, tensors: file.tensors)
            tensors = file.tensors.compactMap(PlannedTensor.init)
            return
        }
        let wanted = type ?? Self.defaultType
        guard let mix = SyntheticMix.all.first(where: { $0.name == wanted }) else {
            throw UsageError.badValue(
                "--type", wanted, SyntheticMix.all.map(\.name).joined(separator: ", "))
        }
        name = "\(shape.name) \(mix.name)"
        hyperparameters = shape.hyperparameters
        tensors = shape.roles.compactMap { role in
            let type = mix.type(of: role, in: shape)
            let size = shape.hyperparameters.shape(of: role)
            return type.byteCount(of: size).map {
                PlannedTensor(
                    role: role, type: type, byteCount: $0, elementCount: size.reduce(1, *))
            }
        }
    }

    var byteCount: Int { tensors.reduce(0) { $0 + $1.byteCount } }

    func plannerModel(
        pages: PageDemand, contextLength: Int, wireType: WireType, cacheType: CacheType
    ) -> PlannerModel {
        PlannerModel(
            hyperparameters, tensors: tensors, pages: pages, contextLength: contextLength,
            wireType: wireType, cacheType: cacheType)
    }
}
