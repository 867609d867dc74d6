// SPDX-License-Identifier: Apache-2.0

import Testing

/// The rules against the repository itself. Each names what breaks it, one line a fault.
struct RepositoryTests {
    private let files = Repository.current.texts
    private let paths = Repository.current.paths

    @Test func somethingIsChecked() {
        #expect(
            paths.contains("Package.swift") && paths.contains("Tests/StyleTests/SizeRules.swift"))
    }

    @Test func fileSizes() { expectNone(SizeRules.fileSizes(files)) }
    @Test func functionSizes() { expectNone(SizeRules.functionSizes(files)) }
    @Test func kernelHeader() { expectNone(SizeRules.kernelHeader(files)) }
    @Test func columns() { expectNone(SizeRules.columns(files)) }
    @Test func storedBytes() {
        let repository = Repository.current
        expectNone(SizeRules.storedBytes(paths.map { ($0, repository.byteCount(of: $0)) }))
    }
    @Test func imports() { expectNone(FloorRules.imports(files)) }
    @Test func plainImports() { expectNone(FloorRules.plainImports(files)) }
    @Test func access() { expectNone(FloorRules.access(files)) }
    @Test func printing() { expectNone(FloorRules.printing(files)) }
    @Test func notesToSelf() { expectNone(WordRules.notesToSelf(files)) }
    @Test func bannedWords() { expectNone(WordRules.bannedWords(files)) }
    @Test func emoji() { expectNone(WordRules.emoji(files)) }
    @Test func licence() { expectNone(WordRules.licence(files)) }
    @Test func names() { expectNone(WordRules.names(files)) }
    @Test func documentedTypes() { expectNone(WordRules.documentedTypes(files)) }
    @Test func uncheckedSendable() { expectNone(WordRules.uncheckedSendable(files)) }
    @Test func sleepingTests() { expectNone(WordRules.sleepingTests(files)) }
    @Test func links() { expectNone(DocumentRules.links(files, paths: paths)) }
    @Test func mentions() { expectNone(DocumentRules.mentions(files, paths: paths)) }

    private func expectNone(
        _ faults: [String], sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(
            faults.isEmpty, "\(faults.count): \n\(faults.joined(separator: "\n"))",
            sourceLocation: sourceLocation)
    }
}
