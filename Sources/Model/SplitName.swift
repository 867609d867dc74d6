// SPDX-License-Identifier: Apache-2.0

/// The name of one part of a split model: `STEM-00001-of-00003.gguf`, counted from 1.
struct SplitName: Equatable {
    static let countKey = "split.count"
    static let numberKey = "split.no"
    static let tensorCountKey = "split.tensors.count"

    /// Everything before the number, directories included.
    let stem: String
    let partCount: Int

    /// nil where `path` does not end like the name of a part.
    init?(path: String) {
        let name = Array(path.utf8)
        let suffixLength = "-00001-of-00003.gguf".utf8.count
        guard name.count > suffixLength else { return nil }
        let suffix = name.suffix(suffixLength)
        let text = String(decoding: suffix, as: UTF8.self)
        let pieces = text.dropLast(5).split(separator: "-", omittingEmptySubsequences: false)
        guard text.hasSuffix(".gguf"), pieces.count == 4, pieces[0].isEmpty, pieces[2] == "of",
            let part = Self.number(pieces[1]), let count = Self.number(pieces[3]),
            (1...max(1, count)).contains(part)
        else { return nil }
        stem = String(decoding: name.dropLast(suffixLength), as: UTF8.self)
        partCount = count
    }

    /// `number` counts from 0, as `split.no` does.
    func path(ofPart number: Int) -> String {
        "\(stem)-\(Self.padded(number + 1))-of-\(Self.padded(partCount)).gguf"
    }

    /// Holds a part's own numbers against its place. A model of one part need not have any.
    static func check(
        _ metadata: Metadata, partNumber: Int, partCount: Int
    ) throws(SplitFault) {
        guard partCount > 1 else { return }
        let count = metadata.integer(countKey)
        guard count == partCount else { throw .partCount(expected: partCount, found: count) }
        let number = metadata.integer(numberKey)
        guard number == partNumber else {
            throw .partNumber(expected: partNumber, found: number)
        }
    }

    private static func number(_ text: Substring) -> Int? {
        guard text.utf8.count == 5, text.utf8.allSatisfy({ (48...57).contains($0) }) else {
            return nil
        }
        return Int(text)
    }

    private static func padded(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
    }
}
