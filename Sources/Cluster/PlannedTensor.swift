// SPDX-License-Identifier: Apache-2.0

package import Model

/// A tensor as far as a plan depends on it.
package struct PlannedTensor: Sendable {
    package let role: TensorRole
    package let type: ElementType
    package let byteCount: Int
    package let elementCount: Int

    package init(role: TensorRole, type: ElementType, byteCount: Int, elementCount: Int) {
        self.role = role
        self.type = type
        self.byteCount = byteCount
        self.elementCount = elementCount
    }

    package init?(_ tensor: Tensor) {
        guard let role = TensorRole(name: tensor.name) else { return nil }
        self.init(
            role: role, type: tensor.type, byteCount: tensor.byteCount,
            elementCount: tensor.elementCount)
    }
}
