// SPDX-License-Identifier: Apache-2.0

/// What a person and the model have said so far.
///
/// Many chat templates insist that the two take turns, so there is an answer to every question:
/// a question that got none is taken back.
package struct Conversation {
    package struct Message: Encodable, Equatable, Sendable {
        package var role: String
        package var content: String

        package init(role: String, content: String) {
            self.role = role
            self.content = content
        }
    }

    package private(set) var messages: [Message]
    private let system: String?

    /// `system` stands before everything, also when a conversation begins anew.
    package init(system: String?) {
        self.system = system
        messages = []
        restart()
    }

    package mutating func restart() {
        messages = system.map { [Message(role: "system", content: $0)] } ?? []
    }

    package mutating func ask(_ text: String) {
        precondition(!isAsking, "the last question has no answer yet")
        messages.append(Message(role: "user", content: text))
    }

    package mutating func answer(_ text: String) {
        precondition(isAsking, "nothing was asked")
        messages.append(Message(role: "assistant", content: text))
    }

    /// Forgets the question that is open, if one is.
    package mutating func takeBack() {
        if isAsking { messages.removeLast() }
    }

    private var isAsking: Bool { messages.last?.role == "user" }
}
