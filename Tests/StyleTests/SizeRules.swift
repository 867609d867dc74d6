// SPDX-License-Identifier: Apache-2.0

/// STYLE rule 4: what fits on a few screens can be read.
enum SizeRules {
    static let fileMedianMax = 150
    static let file95thMax = 400
    static let fileMax = 500
    static let function95thMax = 30
    static let functionMax = 70
    static let kernelHeaderMax = 200
    static let columnsMax = 100

    /// Straight-line arithmetic that would only be harder to follow in pieces: `path:function`.
    static let straightLine: Set<String> = []

    static func fileSizes(_ files: [SourceText]) -> [String] {
        let measured = files.filter { $0.isSwift || $0.isC }.map { ($0.path, $0.lines.count) }
        var faults = measured.filter { $0.1 > fileMax }
            .map { "\($0.0): \($0.1) lines, at most \(fileMax): give a part a file of its own" }
        let sizes = measured.map(\.1)
        let median = percentile(50, of: sizes)
        if median > fileMedianMax {
            faults.append("median file: \(median) lines, at most \(fileMedianMax)")
        }
        let high = percentile(95, of: sizes)
        if high > file95thMax {
            faults.append("95th percentile of files: \(high) lines, at most \(file95thMax)")
        }
        return faults
    }

    static func functionSizes(
        _ files: [SourceText], straightLine: Set<String> = straightLine
    ) -> [String] {
        let functions = files.filter { $0.isSwift || $0.isC }
            .flatMap(FunctionFinder.functions(in:))
        let long = functions.filter { $0.lineCount > functionMax }
        let names = Set(long.map { "\($0.path):\($0.name)" })
        var faults = long.filter { !straightLine.contains("\($0.path):\($0.name)") }
            .map { "\($0.path):\($0.line): \($0.name) has \($0.lineCount) lines, at most 70" }
        faults += straightLine.subtracting(names).sorted()
            .map { "\($0) is short now: take it off the list of straight-line arithmetic" }
        let high = percentile(95, of: functions.map(\.lineCount))
        if high > function95thMax {
            faults.append("95th percentile of functions: \(high) lines, at most 30")
        }
        return faults
    }

    static func kernelHeader(_ files: [SourceText]) -> [String] {
        files.filter { $0.path.hasSuffix("CKernels/include/ckernels.h") }
            .filter { $0.lines.count >= kernelHeaderMax }
            .map { "\($0.path): \($0.lines.count) lines, fewer than \(kernelHeaderMax) wanted" }
    }

    static func columns(_ files: [SourceText]) -> [String] {
        files.filter { $0.isSwift || $0.isC || $0.isScript }.flatMap { file in
            file.lines.enumerated().filter { $0.element.count > columnsMax }
                .map { "\(file.path):\($0.offset + 1): \($0.element.count) columns, at most 100" }
        }
    }

    static func storedBytes(_ sizes: [(path: String, byteCount: Int)]) -> [String] {
        sizes.filter { $0.byteCount > 1_000_000 }
            .map { "\($0.path): \($0.byteCount) bytes, at most 1 MB" }
    }

    /// The nearest rank; 0 of nothing.
    static func percentile(_ percent: Int, of values: [Int]) -> Int {
        guard !values.isEmpty else { return 0 }
        let rank = (values.count * percent + 99) / 100
        return values.sorted()[max(0, rank - 1)]
    }
}
