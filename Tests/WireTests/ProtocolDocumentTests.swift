// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import Wire

/// PROTOCOL.md is the authority: the code must say the same numbers.
@Suite struct ProtocolDocumentTests {
    @Test func kindsAndLimitsAgree() throws {
        let rows = try tableRows().filter { $0.count == 5 && UInt16($0[0]) != nil }
        var kinds: Set<MessageKind> = []
        for row in rows where row[4] != "" {
            let kind = try #require(UInt16(row[0]).flatMap(MessageKind.init(rawValue:)))
            #expect(row[1] == "`\(kind)`")
            let limit = row[4].replacing(",", with: "")
            #expect(Int(limit) == Limits.payloadBytesMax(of: kind), "\(kind)")
            kinds.insert(kind)
        }
        #expect(kinds == Set(MessageKind.allCases))
    }

    @Test func everyReasonOfTheVectorsIsExplained() throws {
        let rows = try tableRows()
        let explained = Set(rows.filter { $0.count == 2 }.map { $0[0] })
        let used = Set(BadVectorCatalog.all.map(\.reason))
        #expect(used.isSubset(of: explained))
        #expect(used.count >= 13)
    }

    @Test func errorCodesAgree() throws {
        let rows = try tableRows().filter { $0.count == 3 }
        for number in UInt16(1)...8 {
            let code = try #require(ErrorNotice.Code(rawValue: number))
            #expect(rows.contains { $0[0] == "\(number)" && $0[1] == "\(code)" })
        }
    }

    private func tableRows() throws -> [[String]] {
        let path = VectorFile.root.appending(path: "proto/PROTOCOL.md")
        return try String(contentsOf: path, encoding: .utf8)
            .split(separator: "\n")
            .filter { $0.hasPrefix("|") && $0.hasSuffix("|") }
            .map { line in
                line.dropFirst().dropLast().split(separator: "|", omittingEmptySubsequences: false)
                    .map { $0.trimmingCharacters(in: .whitespaces) }
            }
    }
}
