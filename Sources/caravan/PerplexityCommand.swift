// SPDX-License-Identifier: Apache-2.0

import Cluster
import Control
import Model
import Platform
import Wire

/// `caravan perplexity MODEL FILE`: how well a model predicts a text.
struct PerplexityCommand: Command {
    static let syntax = Syntax(
        name: "perplexity", summary: "Measures how well a model predicts a text",
        operands: ["MODEL", "FILE"],
        options: [
            .init("--context", "N", "tokens of one window (default 512)"),
            .init("--threads", "N", "compute threads (default one a core)"),
            .init("--stages", "N", "split the layers as N workers would (default 1)"),
            .wire.needing("--stages"),
            .kv,
            .init("--json", nil, "print one JSON object"),
        ],
        notes: [
            "The text is cut into windows of N tokens; the second half of each is predicted from",
            "what stands before it in the window, as llama.cpp's tool of that name does it.",
        ])

    private let modelPath: String
    private let textPath: String
    private let windowLength: Int
    private let threadCount: Int
    private let stageCount: Int
    private let wireType: WireType
    private let cacheType: CacheType
    private let asJSON: Bool

    init(_ options: Options) throws {
        modelPath = options.operands[0]
        textPath = options.operands[1]
        windowLength = try options.integer("--context", in: 8...(1 << 20)) ?? 512
        threadCount = try options.threadCount()
        stageCount = try options.integer("--stages", in: 1...Limits.stagesMax) ?? 1
        wireType = try options.wireType()
        cacheType = try options.cacheType()
        asJSON = options.has("--json")
    }

    func run() throws -> Int32 {
        let model = try LoadedModel(path: modelPath, contextLength: .max)
        try ContextError.check(windowLength, limit: model.served.contextLength)
        let interrupt = StopFlag()
        return try Supervisor.run(stop: { interrupt.set($0) }) { [self] in
            let windows = try self.windows(model.served.tokenizer)
            // Whatever ends it: the shell's prompt comes next.
            defer { ProgressLine.clear() }
            ProgressLine.show("loading")
            let scorer = try Scorer(
                model: model, stageCount: stageCount, wireType: wireType, cacheType: cacheType,
                windowLength: windowLength, threadCount: threadCount)
            var tally = PerplexityTally()
            for (number, window) in windows.enumerated() {
                if let signal = interrupt.number { return 128 + signal }
                ProgressLine.show("window \(number + 1) of \(windows.count)")
                tally.add(try scorer.logProbabilities(of: window, from: windowLength / 2 + 1))
            }
            ProgressLine.clear()
            guard tally.perplexity.isFinite, tally.standardError.isFinite else {
                throw PerplexityError.notFinite(modelPath)
            }
            let report = PerplexityReport(
                tally, windowCount: windows.count, windowLength: windowLength)
            try StandardOutput.show((asJSON ? try report.json() : report.text) + "\n")
            return ExitStatus.done
        }
    }

    /// Whole windows only; each begins with the beginning token if the vocabulary asks for one,
    /// instead of the token that stands there.
    private func windows(_ tokenizer: Tokenizer) throws -> [[UInt32]] {
        let file = try MappedFile(path: textPath)
        let text = file.withUnsafeBytes(0..<file.byteCount) { String(decoding: $0, as: UTF8.self) }
        guard text.utf8.count <= TokenizerLimits.textByteCountMax else {
            throw PerplexityError.textTooLong(
                path: textPath, limit: TokenizerLimits.textByteCountMax)
        }
        let tokens = tokenizer.encode(text, parseSpecial: false, addBeginning: true)
        guard tokens.count >= 2 * windowLength else {
            throw PerplexityError.textTooShort(
                path: textPath, tokens: tokens.count, needed: 2 * windowLength)
        }
        return (0..<tokens.count / windowLength).map { number in
            var window = Array(tokens[number * windowLength..<(number + 1) * windowLength])
            if tokenizer.addsBeginning, let beginning = tokenizer.beginning {
                window[0] = beginning
            }
            return window
        }
    }
}

/// The result of `caravan perplexity`.
struct PerplexityReport: Encodable {
    let perplexity: Double
    let standardError: Double
    let windows: Int
    let context: Int
    let scoredTokens: Int

    init(_ tally: PerplexityTally, windowCount: Int, windowLength: Int) {
        perplexity = tally.perplexity
        standardError = tally.standardError
        windows = windowCount
        context = windowLength
        scoredTokens = tally.count
    }

    var text: String {
        "perplexity \(perplexity.rounded(toPlaces: 4)) ± \(standardError.rounded(toPlaces: 4)) "
            + "(\(scoredTokens) tokens scored in \(windows) windows of \(context))"
    }
}

enum PerplexityError: Error, CustomStringConvertible {
    case textTooShort(path: String, tokens: Int, needed: Int)
    case textTooLong(path: String, limit: Int)
    case notFinite(String)

    var description: String {
        switch self {
        case .textTooShort(let path, let tokens, let needed):
            "\(path) has \(tokens) tokens and two windows are \(needed); "
                + "use a longer text or a smaller --context"
        case .textTooLong(let path, let limit):
            "\(path) is longer than \(limit) bytes of text; use a part of it"
        case .notFinite(let path):
            "\(path) does not give finite probabilities; its weights are damaged"
        }
    }
}
