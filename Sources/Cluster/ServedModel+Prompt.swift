// SPDX-License-Identifier: Apache-2.0

package import Model
package import Platform

extension ServedModel {
    /// The conversation by the model's own template, up to where the assistant's answer begins.
    /// `now` is for templates that name the date.
    package func prompt(
        of messages: [ChatMessage], now: LocalTime
    ) throws(PromptError) -> [UInt32] {
        guard let chatTemplate else { throw .noTemplate }
        let template: ChatTemplate
        do { template = try chatTemplate.get() } catch { throw .unusableTemplate(error) }
        do {
            return prompt(
                of: try template.render(
                    messages: messages, addGenerationPrompt: true, date: TemplateDate(now)))
        } catch {
            throw .refused(error)
        }
    }

    /// Special tokens written out in `text` count as such. The beginning token is added where the
    /// model wants it, but not twice: many templates write it themselves.
    package func prompt(of text: String) -> [UInt32] {
        var ids = tokenizer.encode(text, parseSpecial: true, addBeginning: false)
        if tokenizer.addsBeginning, let beginning = tokenizer.beginning, ids.first != beginning {
            ids.insert(beginning, at: 0)
        }
        return ids
    }
}

/// Why a conversation could not be made a prompt.
package enum PromptError: Error, Equatable, CustomStringConvertible {
    case noTemplate
    /// The model file's template uses what is not supported; texts can still be completed.
    case unusableTemplate(TemplateError)
    case refused(TemplateError)

    package var description: String {
        switch self {
        case .noTemplate: "the model has no chat template"
        case .unusableTemplate(let error), .refused(let error): error.description
        }
    }
}

extension TemplateDate {
    fileprivate init(_ time: LocalTime) {
        self.init(
            year: time.year, month: time.month, day: time.day, hour: time.hour,
            minute: time.minute, second: time.second)
    }
}
