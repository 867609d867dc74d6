// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport

extension TemporaryDirectory {
    /// Writes a text file, with the directories around it.
    func put(_ text: String, at name: String) throws {
        let directory = name.split(separator: "/").dropLast().joined(separator: "/")
        try FileManager.default.createDirectory(
            atPath: file(directory), withIntermediateDirectories: true)
        try write(Array(text.utf8), to: name)
    }
}
