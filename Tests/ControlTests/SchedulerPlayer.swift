// SPDX-License-Identifier: Apache-2.0

import Control
import Foundation
import Wire

/// Events for a scheduler. `answer` returns the oldest step in flight with the given likeliest
/// tokens, and with `took=…` the microseconds of each stage; `candidates STEP
/// SLOT@POSITION=TOKEN/COUNT` returns anything at all. `at` gives the time in milliseconds.
struct SchedulerPlayer: TranscriptPlayer {
    private var scheduler: Scheduler
    private var inFlight: [(id: UInt64, wanted: [Row])] = []

    init(_ event: TranscriptEvent) {
        var limits = SchedulerLimits(
            slotCount: event.integer("slots") ?? 1,
            contextLength: event.integer("context") ?? 1,
            rowCountMax: event.integer("rows") ?? 1,
            queueCountMax: event.integer("queue") ?? 0,
            vocabularyCount: event.integer("vocabulary") ?? 1,
            endOfGeneration: Set(event.tokens("end")))
        limits.stepsInFlightMax = event.integer("steps") ?? limits.stepsInFlightMax
        limits.rowsInFlightMax = event.integer("flying") ?? limits.rowsInFlightMax
        limits.allLogitsRowsMax = event.integer("whole") ?? limits.allLogitsRowsMax
        limits.promptRowsBesideDecode = event.integer("chunk")
        limits.pagePositionCount = event.integer("page") ?? limits.pagePositionCount
        limits.pageCount = event.integer("pages") ?? limits.pageCount
        limits.guessCountMax = event.integer("guess") ?? 0
        limits.keptCountMax = event.integer("kept") ?? 0
        limits.recoveryLimit = .seconds(event.integer("recovery") ?? 60)
        limits.lossCountMax = event.integer("losses") ?? limits.lossCountMax
        scheduler = Scheduler(limits: limits)
    }

    mutating func play(_ event: TranscriptEvent) -> [String] {
        if event.words[0] == "show" {
            let idle = scheduler.isIdle ? ", idle" : ""
            let pages = "pages \(scheduler.pagesInUse), kept \(scheduler.pagesKept)"
            if event.has("pages") { return [pages] }
            if event.has("guesses") {
                return ["guesses \(scheduler.guessCount), right \(scheduler.rightGuessCount)"]
            }
            if event.has("preemptions") { return ["preemptions \(scheduler.preemptionCount)"] }
            return [
                "running \(scheduler.running), waiting \(scheduler.waiting), "
                    + "in flight \(scheduler.stepsInFlight)" + idle
            ]
        }
        do {
            let directives = try directives(event)
            for case .forward(let id, let step) in directives {
                inFlight.append((id, step.rows.filter { $0.want != .nothing }))
            }
            return directives.map(describe)
        } catch {
            return ["throws: \(error)"]
        }
    }

    private mutating func directives(_ event: TranscriptEvent) throws -> [SchedulerDirective] {
        let id = event.words.count > 1 ? UInt64(event.words[1]) ?? 0 : 0
        switch event.words[0] {
        case "up":
            return scheduler.pipelineUp(
                epoch: UInt32(id), stageCount: event.integer("stages") ?? 1,
                pageCount: event.integer("pages"))
        case "down":
            inFlight = []
            return scheduler.pipelineDown()
        case "at":
            return scheduler.tick(now: .milliseconds(id), isLoading: event.has("loading"))
        case "submit": return try scheduler.submit(request(event, id))
        case "cancel": return scheduler.cancel(id)
        case "finish":
            return scheduler.finish(id, reason: FinishReason(rawValue: event.words[2]) ?? .length)
        case "answer":
            guard let oldest = inFlight.first else { throw UnknownEvent(word: "answer") }
            inFlight.removeFirst()
            let rows = zip(oldest.wanted, event.words.dropFirst()).map(answer)
            return try scheduler.candidatesArrived(
                stepID: oldest.id, Candidates(rows: rows, trail: trail(event)))
        case "candidates":
            let rows = event.words.dropFirst(2).compactMap(row)
            let directives = try scheduler.candidatesArrived(
                stepID: id, Candidates(rows: rows, trail: []))
            inFlight.removeAll { $0.id == id }
            return directives
        default: throw UnknownEvent(word: event.words[0])
        }
    }

    private func trail(_ event: TranscriptEvent) -> [StageTiming] {
        event.tokens("took").enumerated().map {
            StageTiming(
                stage: UInt16($0.offset), waitMicroseconds: 0, computeMicroseconds: $0.element,
                sendMicroseconds: 0)
        }
    }

    private struct UnknownEvent: Error {
        let word: String
    }

    private func request(_ event: TranscriptEvent, _ id: UInt64) -> SequenceRequest {
        var settings = SamplingSettings()
        settings.temperature = event.number("temperature") ?? 0
        settings.presencePenalty = event.number("presence") ?? 0
        settings.seed = event.size("seed")
        return SequenceRequest(
            id: id, prompt: event.tokens("prompt"), sampling: settings,
            tokenCountMax: event.integer("max"), ignoresEnd: event.has("ignoresEnd"),
            topLogProbabilities: event.integer("top") ?? 0)
    }

    /// What the last stage would return for `row` if `word` were the likeliest token.
    private func answer(_ row: Row, _ word: String) -> RowCandidates {
        var found = numbers(row, word)
        if word == "nan" { found.logSumExp = -.infinity }
        return found
    }

    private func numbers(_ row: Row, _ word: String) -> RowCandidates {
        let token = UInt32(word)
        switch row.want {
        case .candidates(let count):
            let most = min(Int(count), scheduler.limits.vocabularyCount)
            return candidates(row.slot, row.position, token, .top(top(token, count: most)))
        case .allLogits, .nothing:
            return candidates(row.slot, row.position, token, .all(all(token)))
        }
    }

    private func row(_ word: String) -> RowCandidates? {
        let parts = word.split { "@=/".contains($0) }.map(String.init)
        guard let slot = UInt32(parts[0]), let position = UInt32(parts[1]),
            let token = UInt32(parts[2])
        else { return nil }
        if parts[3] == "all" { return candidates(slot, position, token, .all(all(token))) }
        var list = top(token, count: Int(parts[3]) ?? 0)
        if parts.count > 4 { list.reverse() }
        return candidates(slot, position, token, .top(list))
    }

    private func candidates(
        _ slot: UInt32, _ position: UInt32, _ token: UInt32?, _ logits: RowCandidates.Logits
    ) -> RowCandidates {
        let others = Double(scheduler.limits.vocabularyCount - (token == nil ? 0 : 1))
        let sum = log((token == nil ? 0 : exp(20)) + others)
        return RowCandidates(slot: slot, position: position, logSumExp: Float(sum), logits: logits)
    }

    private func top(_ token: UInt32?, count: Int) -> [Candidate] {
        let first = token.map { [Candidate(id: $0, logit: 20)] } ?? []
        let others = (0..<UInt32(scheduler.limits.vocabularyCount)).filter { $0 != token }
        return Array((first + others.map { Candidate(id: $0, logit: 0) }).prefix(count))
    }

    private func all(_ token: UInt32?) -> [Float] {
        (0..<UInt32(scheduler.limits.vocabularyCount)).map { $0 == token ? 20 : 0 }
    }

    private func describe(_ directive: SchedulerDirective) -> String {
        switch directive {
        case .forward(let id, let step):
            let edits = step.edits.map { edit in
                switch edit {
                case .release(let slot): "release \(slot)"
                case .truncate(let slot, let length): "truncate \(slot) to \(length)"
                case .fork(let slot, let source, let length): "fork \(slot) \(source) \(length)"
                }
            }
            return (["forward \(id):"] + edits + step.rows.map(describe)).joined(separator: " ")
        case .prefilled(let id): return "prefilled \(id)"
        case .token(let id, let token, let logProbability, let alternatives):
            let others = alternatives.map { " \($0.id) (\(rounded($0.logProbability)))" }
            return "token \(id): \(token) (\(rounded(logProbability)))"
                + (others.isEmpty ? "" : " of" + others.joined())
        case .finished(let id, let reason, let promptTokenCount, let generatedTokenCount):
            return "finished \(id): \(reason) after \(promptTokenCount)+\(generatedTokenCount)"
        case .failed(let id, let failure): return "failed \(id): \(failure)"
        }
    }

    private func describe(_ row: Row) -> String {
        let want =
            switch row.want {
            case .nothing: ""
            case .candidates(let count): "?\(count)"
            case .allLogits: "?all"
            }
        return "\(row.slot)@\(row.position)=\(row.token)\(want)"
    }

    private func rounded(_ value: Float) -> Double { (Double(value) * 10).rounded() / 10 }
}
