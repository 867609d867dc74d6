// SPDX-License-Identifier: Apache-2.0

import Control

extension PlanReport {
    /// At most 80 columns, but for long names and reasons.
    var text: String {
        var lines = [
            "\(model.escapingControls): \(ByteSize.text(modelBytes)) of weights, "
                + "\(streams) \(streams == 1 ? "stream" : "streams") of \(tokensOfEach) tokens"
        ]
        if let contextLengthThatFits, let contextLengthMin {
            lines.append(
                "does not fit: memory beside the weights holds \(contextLengthThatFits) tokens, "
                    + "no sequence of \(contextLengthMin)")
            return lines.joined(separator: "\n") + "\n"
        }
        if let missingBytes {
            lines.append("does not fit: \(Self.gibibytes(missingBytes)) GiB more memory is needed")
            return lines.joined(separator: "\n") + "\n"
        }
        lines.append("")
        lines += table
        lines += leftOut.map { "\($0.worker) is left out: \($0.reason)".escapingControls }
        lines.append("")
        lines += figures
        return lines.joined(separator: "\n") + "\n"
    }

    /// With which all streams have as many.
    private var tokensOfEach: Int { min(contextLength, pageCount * pageTokens / streams) }

    private var table: [String] {
        let showsLinks = stages.contains { $0.linkBytesPerSecond != nil }
        let rows =
            [
                ["worker", "layers", "count", "needs", "of", "time/token"]
                    + (showsLinks ? ["link"] : [])
            ]
            + stages.map { stage in
                let link = stage.linkBytesPerSecond.map { ByteSize.text(Int(min($0, 1e15))) + "/s" }
                return [
                    stage.worker.escapingControls, "\(stage.layerStart)..<\(stage.layerEnd)",
                    "\(stage.layerEnd - stage.layerStart)",
                    ByteSize.text(Int(clamping: stage.needBytes)),
                    ByteSize.text(Int(clamping: stage.memoryBytes)),
                    TimeSpan(stage.seconds).description,
                ] + (showsLinks ? [link ?? "-"] : [])
            }
        return TextTable.lines(rows, firstNumeric: 2)
    }

    private var figures: [String] {
        var pairs: [(String, String)] = []
        if let one = tokensPerSecondOfOneStream, let depth {
            pairs.append(("one stream", "\(Self.rate(one)) tokens/s at depth \(depth)"))
        }
        if let all = tokensPerSecondOfAllStreams, streams > 1 {
            pairs.append(("\(streams) streams", "\(Self.rate(all)) tokens/s together"))
        }
        if let seconds = secondsToFirstToken, let promptLength {
            let note = assumesArithmetic ? " (arithmetic assumed; int8= says it)" : ""
            pairs.append(
                ("first token", "after \(TimeSpan(seconds)), prompt of \(promptLength)\(note)"))
        }
        pairs.append(
            (
                "pages",
                "\(pageCount) of \(pageTokens) tokens, \(ByteSize.text(keyValueBytes)): "
                    + "one stream may have \(contextLength)"
            ))
        if let contextLengthMax {
            pairs.append(("context", "up to \(contextLengthMax) tokens a stream would fit"))
        }
        if let limit { pairs.append(("limit", limit.escapingControls)) }
        if let more = withOneMore {
            var text = "one stream \(Self.rate(more.tokensPerSecondOfOneStream))"
            if streams > 1 {
                text += ", \(streams) streams \(Self.rate(more.tokensPerSecondOfAllStreams))"
            }
            pairs.append(("one more", "like \(more.like.escapingControls): \(text) tokens/s"))
        }
        return TextTable.lines(pairs.map { [$0.0, $0.1] })
    }

    private var keyValueBytes: Int {
        let (bytes, isOver) = pageBytes.multipliedReportingOverflow(by: UInt64(pageCount))
        return isOver ? .max : Int(clamping: bytes)
    }

    /// Three digits or so.
    private static func rate(_ value: Double) -> String {
        "\(value.rounded(toPlaces: value < 10 ? 2 : 1))"
    }

    /// Rounded up to a tenth: what is named must be enough.
    private static func gibibytes(_ count: UInt64) -> String {
        let tenths = (Double(count) / 1_073_741_824 * 10).rounded(.up) / 10
        return "\(tenths)"
    }
}
