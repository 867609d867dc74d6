// SPDX-License-Identifier: Apache-2.0

/// Whoever asked for a model file's digests no longer wants them.
package struct HashingStopped: Error, CustomStringConvertible {
    package var description: String { "hashing the model file was stopped" }
}
