// SPDX-License-Identifier: Apache-2.0

extension InspectReport {
    /// A summary of a screen, then the tensor table; ends with a newline.
    var text: String {
        let pairs = fileLines + shapeLines + tokenizerLines
        let summary = TextTable.lines(pairs.map { [$0.0, $0.1] })
        return (summary + [""] + tensorTable).joined(separator: "\n") + "\n"
    }

    private var fileLines: [(String, String)] {
        var lines = [("file", name)]
        if let title { lines.append(("name", title.escapingControls)) }
        lines.append(("architecture", architecture?.escapingControls ?? "not stated"))
        if let problem { lines.append(("cannot be run", problem.escapingControls)) }
        lines.append(("parameters", Self.grouped(parameterCount)))
        let parts = paths.count == 1 ? "" : " in \(paths.count) parts"
        lines.append(("size", ByteSize.text(fileBytes) + parts))
        let mix = elementTypes.map {
            "\($0.type) \(Self.percent($0.bytes, of: elementTypes.reduce(0) { $0 + $1.bytes }))"
        }
        lines.append(("element types", mix.joined(separator: ", ")))
        return lines
    }

    private var shapeLines: [(String, String)] {
        guard let shape else { return [] }
        let tied = shape.hasTiedHead ? "tied to the embedding" : "separate"
        var lines = [
            ("layers", "\(shape.layerCount)"),
            ("width", "\(shape.embeddingLength), feed-forward \(shape.feedForwardLength)"),
            (
                "heads",
                "\(shape.headCount) of \(shape.headSize), keys and values \(shape.headCountKV)"
            ),
            ("head", tied),
            ("context", "\(Self.grouped(shape.contextLength)) tokens"),
            ("rope", "base \(shape.ropeBase), scale \(shape.ropeScale)"),
            ("KV cache", "\(ByteSize.text(shape.kvBytesPer1000Tokens)) for 1,000 tokens in f16"),
        ]
        lines += Self.blobLines(shape.blobs)
        return lines
    }

    /// Layers of the same size share a line.
    private static func blobLines(_ blobs: [BlobLine]) -> [(String, String)] {
        let layers = blobs.filter { $0.name.hasPrefix("layer ") }
        let others = blobs.filter { !$0.name.hasPrefix("layer ") }
        var lines = others.map { ("blob \($0.name)", ByteSize.text($0.bytes)) }
        for (size, group) in Dictionary(grouping: layers, by: \.bytes).sorted(by: {
            $0.key > $1.key
        }) {
            let what = group.count == 1 ? "layer" : "layers"
            lines.append(("blob layer", "\(ByteSize.text(size)) each of \(group.count) \(what)"))
        }
        return lines
    }

    private var tokenizerLines: [(String, String)] {
        let kind = [tokenizer.model, tokenizer.preTokenizer].compactMap { $0?.escapingControls }
        let count = tokenizer.vocabularyCount.map { "\(Self.grouped($0)) tokens" }
        return [
            ("tokenizer", kind.isEmpty ? "none" : kind.joined(separator: ", ")),
            ("vocabulary", count ?? "none"),
            ("chat template", hasChatTemplate ? "yes" : "none"),
        ]
    }

    private var tensorTable: [String] {
        TextTable.lines(
            [["tensor", "type", "shape", "bytes"]]
                + tensors.map { tensor in
                    [
                        tensor.name.escapingControls, tensor.type,
                        tensor.shape.map(String.init).joined(separator: "×"), "\(tensor.bytes)",
                    ]
                })
    }

    /// `1234567` as `1,234,567`.
    private static func grouped(_ number: Int) -> String {
        let digits = Array(String(number))
        var out = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { out.append(",") }
            out.append(digit)
        }
        return out
    }

    private static func percent(_ part: Int, of whole: Int) -> String {
        "\((Double(part) / Double(max(1, whole)) * 1_000).rounded() / 10) %"
    }
}
