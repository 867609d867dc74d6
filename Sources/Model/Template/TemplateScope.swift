// SPDX-License-Identifier: Apache-2.0

/// The variables of one block. A name not found here is looked for in the blocks around it, as
/// they are at that time: macros see what is set after them.
final class TemplateScope {
    private var values: [String: TemplateValue] = [:]
    private let outer: TemplateScope?

    init(outer: TemplateScope?) { self.outer = outer }

    func value(_ name: String) -> TemplateValue? {
        var scope: TemplateScope? = self
        while let here = scope {
            if let value = here.values[name] { return value }
            scope = here.outer
        }
        return nil
    }

    func set(_ name: String, _ value: TemplateValue) { values[name] = value }
}
