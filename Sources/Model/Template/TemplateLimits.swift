// SPDX-License-Identifier: Apache-2.0

/// Bounds on what a template may use: templates come from files that nobody trusts.
///
/// Hugging Face's longest templates have some 20 KiB and take 10⁵ steps for a long conversation.
package enum TemplateLimits {
    package static let sourceByteCountMax = 1 << 20
    /// Code points of a name in the source: looking it up is one step.
    static let nameLengthMax = 255
    /// Levels of statements and brackets inside one another, and operators in one chain.
    package static let syntaxDepthMax = 100
    /// Expressions, statements and macro calls under evaluation at one time.
    /// A debug build was seen to need more than 1 MiB of stack for as many, and less than 2 MiB.
    package static let evaluationDepthMax = 160
    /// Levels of lists and dictionaries inside one another, in variables too.
    package static let valueDepthMax = 64
    /// Elements of a list or dictionary, those of its elements included.
    package static let valueElementCountMax = 1 << 20
    /// UTF-8 bytes of any one string, and of the rendered text.
    package static let textByteCountMax = 4 << 20
    /// Evaluated nodes, plus one for every 16 bytes or single element that an operation looks at
    /// or makes.
    package static let stepCountMax = 5_000_000
    /// Elements of a `range`, as in Jinja's sandbox.
    package static let rangeCountMax = 100_000
}
