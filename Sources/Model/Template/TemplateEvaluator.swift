// SPDX-License-Identifier: Apache-2.0

/// One rendering of a template: walks its statements and collects the text.
///
/// Every node, and every element or 16 bytes an operation looks at or makes, is a step; the steps,
/// the depth and the sizes are bounded by `TemplateLimits`, so a rendering always ends.
final class TemplateEvaluator {
    /// A macro with the scope it was defined in.
    struct Macro {
        let syntax: TemplateMacroSyntax
        let scope: TemplateScope
    }

    /// What a statement does to the loop around it.
    enum Flow { case next, breakLoop, continueLoop }

    var scope = TemplateScope(outer: nil)
    /// Line of the node under evaluation, for errors.
    var line = 1
    var macros: [Macro] = []
    var namespaces: [TemplateMapping] = []
    var loopCount = 0
    /// By loop: what `loop.changed` was given last.
    var lastSeen: [Int: TemplateValue] = [:]
    let date: TemplateDate?
    private(set) var output = ""
    private var stepCount = 0
    private var depth = 0

    init(variables: [(String, TemplateValue)], date: TemplateDate?) throws(TemplateError) {
        self.date = date
        for (name, value) in variables { scope.set(name, try checked(value)) }
        // Statements at the top set variables of their own, so that they cannot lose these.
        scope = TemplateScope(outer: scope)
    }

    // MARK: - Bounds

    func fail(_ reason: String) -> TemplateError { .evaluation(line: line, reason: reason) }

    /// Nothing gives steps back.
    func charge(_ count: Int = 1) throws(TemplateError) {
        stepCount = saturatingSum(stepCount, max(0, count))
        guard stepCount <= TemplateLimits.stepCountMax else {
            throw .limitExceeded(line: line, what: "steps", limit: TemplateLimits.stepCountMax)
        }
    }

    func enter() throws(TemplateError) {
        depth += 1
        guard depth <= TemplateLimits.evaluationDepthMax else {
            throw .limitExceeded(
                line: line, what: "levels of evaluation",
                limit: TemplateLimits.evaluationDepthMax)
        }
    }

    func leave() { depth -= 1 }

    /// Call before making a text of `byteCount` bytes; nil stands for more than an integer holds.
    func reserveText(_ byteCount: Int?) throws(TemplateError) {
        let limit = TemplateLimits.textByteCountMax
        guard let byteCount, byteCount <= limit else {
            throw .limitExceeded(line: line, what: "bytes of text", limit: limit)
        }
        try charge(byteCount / 16)
    }

    func checked(_ value: TemplateValue) throws(TemplateError) -> TemplateValue {
        guard value.depth <= TemplateLimits.valueDepthMax else {
            throw .limitExceeded(
                line: line, what: "levels of lists", limit: TemplateLimits.valueDepthMax)
        }
        guard value.weight <= TemplateLimits.valueElementCountMax else {
            throw .limitExceeded(
                line: line, what: "elements", limit: TemplateLimits.valueElementCountMax)
        }
        return value
    }

    func list(
        _ elements: [TemplateValue], isTuple: Bool = false
    ) throws(TemplateError) -> TemplateValue {
        try charge(elements.count)
        return try checked(.sequence(TemplateSequence(elements, isTuple: isTuple)))
    }

    func string(_ text: String) throws(TemplateError) -> TemplateValue {
        try reserveText(text.utf8.count)
        return .string(text)
    }

    // MARK: - Output

    func write(_ text: String) throws(TemplateError) {
        let limit = TemplateLimits.textByteCountMax
        guard output.utf8.count + text.utf8.count <= limit else {
            throw .limitExceeded(line: line, what: "bytes of text", limit: limit)
        }
        try charge(text.utf8.count / 16)
        output += text
    }

    /// The text that `body` writes, which does not go to the output.
    func capture(_ body: () throws(TemplateError) -> Void) throws(TemplateError) -> String {
        let outer = output
        output = ""
        try body()
        let text = output
        output = outer
        return text
    }

    /// The value's text as it is printed; the cost of a large value is known beforehand.
    func text(of value: TemplateValue) throws(TemplateError) -> String {
        if case .string(let text) = value { return text }
        try charge(value.weight)
        let text = value.text
        try reserveText(text.utf8.count)
        return text
    }

    func inNewScope<Result>(
        of outer: TemplateScope? = nil, _ body: () throws(TemplateError) -> Result
    ) throws(TemplateError) -> Result {
        let saved = scope
        scope = TemplateScope(outer: outer ?? saved)
        defer { scope = saved }
        return try body()
    }
}
