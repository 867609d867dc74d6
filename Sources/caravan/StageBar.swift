// SPDX-License-Identifier: Apache-2.0

import Cluster

/// How a stage spends its time, as a bar; `-` as long as that is not known.
enum StageBar {
    static let computeMark: Character = "█"
    static let sendMark: Character = "▓"
    static let waitMark: Character = "░"

    static func line(_ stage: StageStatus, width: Int) -> StyledLine {
        let barWidth = max(1, width - 6)
        guard let utilisation = stage.utilisation else {
            return StyledLine("-".leftPadded(to: barWidth + 6))
        }
        let share = min(max(0, utilisation), 1)
        let compute = (share * Double(barWidth)).shownWhole
        let wire = (min(max(0, stage.sendShare), 1) * Double(barWidth)).shownWhole
        let send = min(wire, barWidth - compute)
        var line = StyledLine(String(repeating: computeMark, count: compute), .good)
        line.add(String(repeating: sendMark, count: send), .waiting)
        line.add(String(repeating: waitMark, count: barWidth - compute - send), .faint)
        line.add(TopView.share(share).leftPadded(to: 6))
        return line
    }
}
