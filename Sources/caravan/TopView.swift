// SPDX-License-Identifier: Apache-2.0

package import Cluster

/// What `caravan top` knows when it draws a frame.
package struct TopSnapshot {
    package var url: String
    /// The latest answer; nil before the first.
    package var status: ClusterStatus?
    /// Why there is no newer one.
    package var problem: String?
    package var isPaused = false
    /// Tokens generated a second, at the latest answers, oldest first.
    package var rates: [Double] = []

    /// Rates that are kept; more than any terminal has columns for.
    package static let ratesMax = 512

    package init(url: String, status: ClusterStatus? = nil, problem: String? = nil) {
        self.url = url
        self.status = status
        self.problem = problem
    }

    /// A newer answer.
    package mutating func take(_ status: ClusterStatus) {
        self.status = status
        problem = nil
        if rates.count == Self.ratesMax { rates.removeFirst() }
        rates.append(status.flow.generatedTokensPerSecond)
    }
}

/// A frame of `caravan top`: a pure function of what is known and of the screen's size.
package struct TopView {
    let snapshot: TopSnapshot
    let width: Int
    let height: Int

    package init(_ snapshot: TopSnapshot, width: Int, height: Int) {
        self.snapshot = snapshot
        self.width = width
        self.height = height
    }

    /// At most `height` lines of at most `width` columns.
    package func lines(colour: Bool) -> [String] {
        var lines = header
        if let status = snapshot.status {
            let room = max(0, height - lines.count - 1)
            lines += TopPipeline(stages: status.stages, width: width).lines(within: room)
            lines += below(status, room: max(0, height - lines.count - 1))
        }
        if height > 1 {
            lines = Array(lines.prefix(height - 1))
            while lines.count < height - 1 { lines.append(StyledLine()) }
        }
        lines.append(footer)
        return lines.suffix(height).map { $0.cut(to: width).text(colour: colour) }
    }

    /// The same once, without keys, as long as it gets: for what is not a terminal.
    package func plainLines() -> [String] {
        var lines = header
        if let status = snapshot.status {
            lines += TopPipeline(stages: status.stages, width: width).lines(within: .max)
            lines += below(status, room: .max)
        }
        return lines.map { line in
            var text = line.cut(to: width).text(colour: false)
            while text.last == " " { text.removeLast() }
            return text
        }
    }

    // MARK: Header and footer

    private var header: [StyledLine] {
        guard let status = snapshot.status else {
            let text = snapshot.problem.map(retrying) ?? "asking \(snapshot.url)"
            return [
                StyledLine("caravan top", .bold),
                StyledLine(text.oneColumned, snapshot.problem == nil ? .plain : .alarm),
            ]
        }
        var lines = [title(status), speed(status), latencies(status), load(status)]
        if let problem = snapshot.problem {
            lines.append(StyledLine(retrying(problem).oneColumned, .alarm))
        } else if !status.detail.isEmpty {
            lines.append(StyledLine(status.detail.oneColumned, .waiting))
        }
        return lines
    }

    private func retrying(_ problem: String) -> String { "trying again: \(problem)" }

    private func title(_ status: ClusterStatus) -> StyledLine {
        var line = StyledLine(status.model.oneColumned, .bold)
        line.add("  ")
        if snapshot.problem == nil {
            line.add(status.state.oneColumned, status.state == "ready" ? .good : .waiting)
        } else {
            line.add("gone", .alarm)
        }
        let stages = status.stages.count
        line.add(
            "  plan \(status.epoch): \(stages) \(stages == 1 ? "stage" : "stages"), "
                + "\(status.layerCount) layers")
        line.add("  up \(Self.age(status.uptimeSeconds))", .faint)
        return line
    }

    private func speed(_ status: ClusterStatus) -> StyledLine {
        let flow = status.flow
        var line = StyledLine("tokens/s ")
        line.add(Self.rate(flow.generatedTokensPerSecond), .accent)
        line.add("  prompt/s ")
        line.add(Self.rate(flow.promptTokensPerSecond), .accent)
        line.add("  steps/s \(Self.rate(flow.stepsPerSecond))")
        line.add("  busy \(Self.share(flow.busyShare))")
        line.add("  bubble \(flow.bubbleShare.map(Self.share) ?? "-")")
        let room = width - line.width - 2
        if room >= 8 {
            line.add("  ")
            line.add(Sparkline.text(snapshot.rates.suffix(room)), .good)
        }
        return line
    }

    private func latencies(_ status: ClusterStatus) -> StyledLine {
        let flow = status.flow
        var line = StyledLine("p50/90/99:", .faint)
        let named = [
            ("first token", flow.timeToFirstToken), ("next", flow.interTokenTime),
            ("step", flow.stepTime),
        ]
        for (name, latency) in named {
            let times = [
                latency.p50Microseconds, latency.p90Microseconds, latency.p99Microseconds,
            ]
            let shown = latency.count == 0 ? "-" : Self.times(times)
            line.add(" \(name) \(shown) ")
        }
        return line
    }

    private func load(_ status: ClusterStatus) -> StyledLine {
        var line = StyledLine("slots ")
        line.add("\(status.slotsInUse)/\(status.slotCount)", .accent)
        if status.pageCount > 0 {
            line.add("  pages ")
            // Another program's counts, of which the difference may be no number at all.
            line.add("\(status.pagesInUse &- status.pagesKept)/\(status.pageCount)", .accent)
        }
        line.add("  queue ")
        let isFull = status.waiting >= status.waitingMax
        line.add("\(status.waiting)/\(status.waitingMax)", isFull ? .alarm : .accent)
        line.add("  served \(status.requestsServed)  tokens \(status.tokensGenerated)")
        let memory = "  coordinator \(ByteSize.text(status.coordinatorPrivateBytes))"
        if line.width + memory.count <= width { line.add(memory, .faint) }
        return line
    }

    private var footer: StyledLine {
        var line = StyledLine(snapshot.isPaused ? "PAUSED " : "", .waiting)
        line.add(snapshot.isPaused ? "p goes on" : "p pauses", .faint)
        line.add("  q quits", .faint)
        line.add("    \(StageBar.computeMark)", .good)
        line.add(" compute ", .faint)
        line.add("\(StageBar.sendMark)", .waiting)
        line.add(" wire ", .faint)
        line.add("\(StageBar.waitMark) wait", .faint)
        return line
    }

    // MARK: Below the stages

    /// Streams and events share what is left; each leaves to the other what it does not need.
    private func below(_ status: ClusterStatus, room: Int) -> [StyledLine] {
        guard room > 0 else { return [] }
        let events = status.events
        let total = max(status.streams.count, status.slotsInUse + status.waiting)
        // A heading, and a line that says how many are not listed.
        let others = total > status.streams.count ? 2 : 1
        let streamsWanted = status.streams.isEmpty ? 0 : status.streams.count + others
        let eventsLeast = min(events.count, room / 2)
        let streamCount = min(streamsWanted, max(0, room - eventsLeast))
        var lines = TopStreams(streams: status.streams, total: total).lines(within: streamCount)
        let eventRoom = room == .max ? events.count : room - lines.count
        for event in events.prefix(max(0, eventRoom)) {
            var line = StyledLine("\(Self.age(event.secondsAgo)) ago".leftPadded(to: 12), .faint)
            line.add("  ")
            line.add(event.text.oneColumned, event.kind == .lost ? .alarm : .plain)
            lines.append(line)
        }
        return lines
    }
}
