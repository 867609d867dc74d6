// SPDX-License-Identifier: Apache-2.0

import Cluster

/// The stages in a row, in as much detail as there is room for.
struct TopPipeline {
    let stages: [StageStatus]
    let width: Int

    /// How much is said of each stage.
    private enum Detail: CaseIterable {
        /// A box with everything.
        case full
        /// Three lines: name, bar, layers and memory.
        case brief
        /// Name and bar in one line.
        case least

        var cardWidth: ClosedRange<Int> {
            switch self {
            case .full: 18...34
            case .brief: 18...34
            case .least: 19...30
            }
        }

        var lineCount: Int {
            switch self {
            case .full: 8
            case .brief: 3
            case .least: 1
            }
        }

        /// Lines that are better used for streams and events than for this much detail.
        var spareLines: Int {
            switch self {
            case .full: 6
            case .brief: 4
            case .least: 2
            }
        }

        /// The line of a card beside which the arrow to the next stands.
        var arrowLine: Int {
            switch self {
            case .full: 3
            case .brief: 1
            case .least: 0
            }
        }
    }

    /// At most `room` lines, some of which are left to streams and events if possible; says how
    /// many stages are left out.
    func lines(within room: Int) -> [StyledLine] {
        guard !stages.isEmpty, room > 0 else { return [] }
        for detail in Detail.allCases {
            let (perRow, rowCount) = grid(detail)
            if rowCount * detail.lineCount <= room - detail.spareLines {
                return draw(stages[...], detail, perRow: perRow)
            }
        }
        let (perRow, _) = grid(.least)
        let shown = perRow * max(0, min(room, max(2, room - Detail.least.spareLines)) - 1)
        guard shown < stages.count else { return draw(stages[...], .least, perRow: perRow) }
        var lines = draw(stages.prefix(shown), .least, perRow: perRow)
        lines.append(StyledLine("and \(stages.count - shown) more stages", .faint))
        return lines
    }

    /// Rows as even as possible.
    private func grid(_ detail: Detail) -> (perRow: Int, rowCount: Int) {
        let most = max(1, (width + 1) / (detail.cardWidth.lowerBound + 1))
        let rowCount = (stages.count + most - 1) / most
        return ((stages.count + rowCount - 1) / rowCount, rowCount)
    }

    private func draw(
        _ stages: ArraySlice<StageStatus>, _ detail: Detail, perRow: Int
    ) -> [StyledLine] {
        let each = (width - (perRow - 1)) / perRow
        let range = detail.cardWidth
        let cardWidth = min(max(each, range.lowerBound), range.upperBound)
        let cards = stages.map { card($0, detail, width: cardWidth) }
        return stride(from: 0, to: cards.count, by: perRow).flatMap { start in
            let row = cards[start..<min(start + perRow, cards.count)]
            return (0..<detail.lineCount).map { index in
                var line = StyledLine()
                for (column, card) in row.enumerated() {
                    if column > 0 {
                        line.pad(to: column * (cardWidth + 1) - 1)
                        line.add(index == detail.arrowLine ? "→" : " ", .faint)
                    }
                    line.add(card[index])
                }
                return line
            }
        }
    }

    private func card(_ stage: StageStatus, _ detail: Detail, width: Int) -> [StyledLine] {
        switch detail {
        case .full: return box(stage, width: width)
        case .brief:
            var memory = StyledLine("\(layers(stage))  ")
            memory.add(ByteSize.text(stage.residentBytes))
            return [
                name(stage, width: width), StageBar.line(stage, width: width),
                memory.cut(to: width),
            ]
        case .least:
            let nameWidth = width * 2 / 5
            var line = name(stage, width: nameWidth)
            line.pad(to: nameWidth + 1)
            line.add(StageBar.line(stage, width: width - nameWidth - 1))
            return [line]
        }
    }

    private func box(_ stage: StageStatus, width: Int) -> [StyledLine] {
        let inner = width - 4
        var top = StyledLine("╭ ", .faint)
        top.add(name(stage, width: inner))
        top.add(" ", .faint)
        top.add(String(repeating: "─", count: max(0, width - 1 - top.width)) + "╮", .faint)
        let trip =
            stage.roundTripMicroseconds > 0
            ? " rtt \(TopView.times([stage.roundTripMicroseconds])) " : ""
        var bottom = StyledLine("╰─", .faint)
        bottom.add(trip)
        bottom.add(String(repeating: "─", count: max(0, width - 1 - bottom.width)) + "╯", .faint)
        let inside = [
            StyledLine("layers \(layers(stage))"), memory(stage),
            StageBar.line(stage, width: inner), split(stage),
            StyledLine("in  \(ByteSize.text(stage.receivedBytesPerSecond))/s"),
            StyledLine("out \(ByteSize.text(stage.sentBytesPerSecond))/s"),
        ]
        let sides = inside.map { content in
            var line = StyledLine("│ ", .faint)
            line.add(content.cut(to: inner))
            line.pad(to: width - 2)
            line.add(" │", .faint)
            return line
        }
        return [top] + sides + [bottom]
    }

    private func name(_ stage: StageStatus, width: Int) -> StyledLine {
        StyledLine("\(stage.stage) \(stage.worker.oneColumned)", .bold).cut(to: width)
    }

    private func layers(_ stage: StageStatus) -> String {
        "\(stage.layerStart)..<\(stage.layerEnd)"
    }

    private func memory(_ stage: StageStatus) -> StyledLine {
        var line = StyledLine(ByteSize.text(stage.residentBytes))
        if stage.memoryBudgetBytes > 0 {
            line.add(" of \(ByteSize.text(stage.memoryBudgetBytes))", .faint)
        }
        return line
    }

    private func split(_ stage: StageStatus) -> StyledLine {
        func percent(_ share: Double) -> Int { (min(max(0, share), 1) * 100).shownWhole }
        let marks = (StageBar.computeMark, StageBar.sendMark, StageBar.waitMark)
        guard let utilisation = stage.utilisation else {
            return StyledLine("\(marks.0)- \(marks.1)- \(marks.2)- %", .faint)
        }
        let compute = percent(utilisation)
        let send = percent(stage.sendShare)
        let wait = max(0, 100 - compute - send)
        return StyledLine("\(marks.0)\(compute) \(marks.1)\(send) \(marks.2)\(wait) %", .faint)
    }
}
