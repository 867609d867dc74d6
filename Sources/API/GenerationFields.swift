// SPDX-License-Identifier: Apache-2.0

import Control

/// The fields that chat and plain completions have in common, checked.
///
/// Names and ranges are OpenAI's; `top_k`, `min_p`, `repetition_penalty` and `ignore_eos` are the
/// extensions that other servers of open models have too.
struct GenerationFields {
    var model: String?
    /// The seed is 0 when the client sent none; see `hasSeed`.
    var sampling: SamplingSettings
    var hasSeed: Bool
    /// nil for as many as there is room for.
    var tokenCountMax: Int?
    var stop: [String]
    var ignoresEnd: Bool
    var isStream: Bool
    var includesUsage: Bool
    /// Answers to generate from the one prompt, each with its own seed.
    var choiceCount: Int

    /// `standard` and `tokenCountMax` are for a client that does not say.
    init(
        _ fields: RequestFields, sampling standard: SamplingSettings, tokenCountMax: Int? = nil
    ) throws {
        model = try fields.string("model")
        let seed = try fields.value(Seed.self, "seed", "an integer of at most 64 bits")
        sampling = try SamplingSettings(fields, standard, seed: seed?.word ?? 0)
        hasSeed = seed?.word != nil
        let older = try fields.tokenCount("max_tokens")
        let asked = try fields.tokenCount("max_completion_tokens") ?? older ?? tokenCountMax
        self.tokenCountMax = asked == -1 ? nil : asked
        stop =
            try fields.value(StopTexts.self, "stop", "a string or a list of strings")?.texts ?? []
        ignoresEnd = try fields.bool("ignore_eos") ?? false
        isStream = try fields.bool("stream") ?? false
        let options = try fields.value(StreamOptions.self, "stream_options", "an object")
        includesUsage = options?.includesUsage ?? false
        if options != nil, !isStream {
            throw APIError.wrongValue("stream_options", "left out unless 'stream' is true")
        }
        choiceCount = try fields.integer("n", in: 1...HTTPLimits.choiceCountMax) ?? 1
        try fields.refuse("logit_bias", "leave it out")
        try ForeignFields.refuse(in: fields, beside: self)
        let format = try fields.value(ResponseFormat.self, "response_format", "an object")
        if let format, format.type != "text" {
            throw APIError.unsupported("response_format", "only {\"type\": \"text\"} so far")
        }
    }
}

extension RequestFields {
    /// -1 is other servers' word for as many as there is room for.
    fileprivate func tokenCount(_ name: String) throws -> Int? {
        let expected = "an integer of at least 1, or -1 for as many as there is room for"
        let count = try value(Int.self, name, expected)
        guard count.map({ $0 == -1 || $0 >= 1 }) ?? true else {
            throw APIError.wrongValue(path(name), expected)
        }
        return count
    }
}

private struct ResponseFormat: Decodable {
    let type: String

    init(from decoder: any Decoder) throws {
        type = try RequestFields(decoder).requiredString("type")
    }
}

extension SamplingSettings {
    fileprivate init(
        _ fields: RequestFields, _ standard: SamplingSettings, seed: UInt64
    ) throws {
        self = standard
        self.seed = seed
        temperature = try fields.number("temperature", in: 0...2) ?? temperature
        topP = try fields.number("top_p", in: 0...1) ?? topP
        // Other servers write -1 for all.
        topK = try max(0, fields.integer("top_k", in: -1...Int(Int32.max)) ?? topK)
        minP = try fields.number("min_p", in: 0...1) ?? minP
        presencePenalty = try fields.number("presence_penalty", in: -2...2) ?? presencePenalty
        frequencyPenalty = try fields.number("frequency_penalty", in: -2...2) ?? frequencyPenalty
        repetitionPenalty =
            try fields.number("repetition_penalty", in: 0...100, above: true) ?? repetitionPenalty
    }
}

/// Any 64-bit integer, signed or not. With -1 clients of other servers ask for any seed.
private struct Seed: Decodable {
    let word: UInt64?

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if let signed = try? value.decode(Int64.self) {
            word = signed == -1 ? nil : UInt64(bitPattern: signed)
        } else {
            word = try value.decode(UInt64.self)
        }
    }
}

private struct StopTexts: Decodable {
    let texts: [String]

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        let given = try value.text().map { [$0] } ?? value.decode([String].self)
        // Many clients send an empty text for none.
        texts = given.filter { !$0.isEmpty }
        let limits = (HTTPLimits.stopTextCountMax, HTTPLimits.stopTextBytesMax)
        guard texts.count <= limits.0, texts.allSatisfy({ $0.utf8.count <= limits.1 }) else {
            throw APIError.wrongValue(
                "stop", "at most \(limits.0) texts of at most \(limits.1) bytes each")
        }
    }
}

private struct StreamOptions: Decodable {
    let includesUsage: Bool

    init(from decoder: any Decoder) throws {
        includesUsage = try RequestFields(decoder).bool("include_usage") ?? false
    }
}
