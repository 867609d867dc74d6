// SPDX-License-Identifier: Apache-2.0

/// PLACEHOLDER
package struct ChatTemplate: Sendable {}
