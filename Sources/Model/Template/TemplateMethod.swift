// SPDX-License-Identifier: Apache-2.0

/// The methods of Python's `str`, `dict`, `list` and of `loop` that templates may call.
package enum TemplateMethod: String, Sendable, CaseIterable {
    case strip, lstrip, rstrip, split, rsplit, splitlines, startswith, endswith
    case upper, lower, title, capitalize, replace, find, rfind, join, format, count, index
    case isdigit, isalpha, isalnum, isspace, isupper, islower, removeprefix, removesuffix
    case partition, zfill
    case items, keys, values, get, copy
    case cycle, changed

    private static let ofText: Set<TemplateMethod> = [
        .strip, .lstrip, .rstrip, .split, .rsplit, .splitlines, .startswith, .endswith, .upper,
        .lower, .title, .capitalize, .replace, .find, .rfind, .join, .format, .count, .index,
        .isdigit, .isalpha, .isalnum, .isspace, .isupper, .islower, .removeprefix, .removesuffix,
        .partition, .zfill,
    ]
    private static let ofMapping: Set<TemplateMethod> = [.items, .keys, .values, .get, .copy]
    /// Python has these; Jinja's immutable sandbox refuses them.
    private static let changing: Set<String> = [
        "append", "clear", "extend", "insert", "pop", "popitem", "remove", "reverse",
        "setdefault", "sort", "update",
    ]

    /// The bound method called `name`, if values like `receiver` have one.
    static func bound(_ name: String, to receiver: TemplateValue) -> TemplateCallable? {
        let method = TemplateMethod(rawValue: name)
        switch receiver {
        case .string:
            return method.flatMap { ofText.contains($0) ? .method(receiver: receiver, $0) : nil }
        case .mapping:
            if let method, ofMapping.contains(method) {
                return .method(receiver: receiver, method)
            }
            let refused = ["clear", "pop", "popitem", "setdefault", "update"]
            return refused.contains(name) ? .forbidden(receiver: receiver, name) : nil
        case .sequence(let list):
            if method == .index || method == .count || (method == .copy && !list.isTuple) {
                return method.map { .method(receiver: receiver, $0) }
            }
            let refused = !list.isTuple && changing.contains(name) && name != "update"
            return refused ? .forbidden(receiver: receiver, name) : nil
        case .loop:
            return method == .cycle || method == .changed
                ? method.map { .method(receiver: receiver, $0) } : nil
        default:
            return nil
        }
    }
}
