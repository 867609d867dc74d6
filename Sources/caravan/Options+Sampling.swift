// SPDX-License-Identifier: Apache-2.0

import Control

/// How tokens are drawn.
extension Syntax.Option {
    static let temperature = temperature(standard: "0.8")
    /// `SamplingSettings` has it.
    static let apiTemperature = temperature(standard: "1")

    private static func temperature(standard: String) -> Syntax.Option {
        Syntax.Option(
            "--temperature", "T", "0 takes the likeliest token (default \(standard))")
    }

    static let topK = Syntax.Option(
        "--top-k", "K", "only the K likeliest tokens; 0 for all (default 0)")
    static let topP = Syntax.Option(
        "--top-p", "P", "only the likeliest tokens up to probability P (default 1)")
    static let minP = Syntax.Option(
        "--min-p", "P", "only tokens P times as likely as the best (default 0)")
    static let seed = Syntax.Option(
        "--seed", "S", "the same seed gives the same tokens (default random)")
}

extension Options {
    /// All but the seed, of which each command makes its own.
    func sampling(
        temperature: Double = 0.8, temperatureMax: Double = 100
    ) throws(UsageError) -> SamplingSettings {
        var sampling = SamplingSettings()
        sampling.temperature =
            try number("--temperature", in: 0...temperatureMax) ?? temperature
        sampling.topK = try integer("--top-k", in: 0...Int(Int32.max)) ?? 0
        sampling.topP = try number("--top-p", in: 0...1) ?? 1
        sampling.minP = try number("--min-p", in: 0...1) ?? 0
        return sampling
    }
}
