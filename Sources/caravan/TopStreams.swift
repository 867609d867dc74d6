// SPDX-License-Identifier: Apache-2.0

import Cluster

/// The table of requests that wait or run.
struct TopStreams {
    /// The oldest of them.
    let streams: [StreamStatus]
    /// How many there are.
    let total: Int

    /// At most `count` lines, the heading included; says how many are left out.
    func lines(within count: Int) -> [StyledLine] {
        guard count > 0, !streams.isEmpty else { return [] }
        let isWhole = streams.count == total && streams.count < count
        let shown = isWhole ? streams.count : min(streams.count, count - 2)
        guard isWhole || shown > 1 else { return [summary] }
        var lines = [
            StyledLine("  stream  state       prompt  generated  tokens/s       age", .faint)
        ]
        lines += streams.prefix(shown).map(line)
        if shown < total {
            lines.append(StyledLine("          and \(total - shown) more", .faint))
        }
        return lines
    }

    private var summary: StyledLine {
        let running = streams.count { $0.state == .generating }
        let generating = streams.count == total ? ", \(running) generating" : ""
        return StyledLine("  \(total) streams\(generating)", .faint)
    }

    private func line(_ stream: StreamStatus) -> StyledLine {
        var line = StyledLine("\(stream.id)".leftPadded(to: 8))
        line.add("  ")
        let style: StyledLine.Style =
            switch stream.state {
            case .waiting: .faint
            case .prefill: .waiting
            case .generating: .good
            }
        line.add(stream.state.rawValue.padded(to: 10), style)
        line.add("\(stream.promptTokens)".leftPadded(to: 8))
        line.add("\(stream.generatedTokens)".leftPadded(to: 11))
        let speed = stream.tokensPerSecond > 0 ? TopView.rate(stream.tokensPerSecond) : "-"
        line.add(speed.leftPadded(to: 10), .accent)
        line.add(TopView.age(stream.ageSeconds).leftPadded(to: 10))
        return line
    }
}
