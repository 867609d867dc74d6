// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Platform
import TestSupport
import Testing

struct TokenFileTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func file(_ text: String, mode: mode_t) throws -> String {
        let path = try directory.write(Array(text.utf8), to: "token")
        #expect(chmod(path, mode) == 0)
        return path
    }

    @Test(arguments: [0o644, 0o640, 0o604, 0o660, 0o601] as [mode_t])
    func filesOfOthersToReadAreRefused(mode: mode_t) throws {
        let path = try file(ClusterToken().text, mode: mode)
        #expect(throws: TokenFileError.exposed(path, mode: UInt32(mode))) {
            try TokenFile.read(path)
        }
        #expect("\(TokenFileError.exposed(path, mode: UInt32(mode)))".contains("chmod 600 \(path)"))
    }

    @Test(arguments: [0o600, 0o400] as [mode_t])
    func privateFilesAreRead(mode: mode_t) throws {
        let token = ClusterToken()
        #expect(try TokenFile.read(file(token.text + "\nmore\n", mode: mode)) == token)
    }

    /// Nobody but root can give a file away.
    @Test(.enabled(if: geteuid() == 0), arguments: [0o600, 0o640] as [mode_t])
    func filesOfOtherOwnersMustBeNamed(mode: mode_t) throws {
        let token = ClusterToken()
        let path = try file(token.text, mode: mode)
        let other: UInt32 = 1
        #expect(chown(path, other, other) == 0)
        #expect(try TokenFile.read(path) == token)
        let failure = TokenFileError.foreign(path, owner: other)
        #expect(throws: failure) { try TokenFile.read(path, isNamed: false) }
        #expect(throws: failure) { try TokenFile.readOrMake(path) }
        #expect("\(failure)".contains("--token-file \(path)"))
    }

    @Test func whatIsNoTokenFileIsRefused() throws {
        let missing = directory.file("none")
        #expect(throws: TokenFileError.missing(missing)) { try TokenFile.read(missing) }
        #expect(throws: TokenFileError.self) { try TokenFile.read(directory.path) }
        for text in ["", "\n", "secret"] {
            let path = try file(text, mode: 0o600)
            #expect(throws: TokenFileError.noToken(path, .notAToken)) { try TokenFile.read(path) }
        }
        let half = try file(String(ClusterToken().text.dropLast(9)), mode: 0o600)
        #expect(throws: TokenFileError.noToken(half, .mistyped)) { try TokenFile.read(half) }
        let endless = try file(String(repeating: "a", count: 100_000), mode: 0o600)
        #expect(throws: TokenFileError.noToken(endless, .notAToken)) { try TokenFile.read(endless) }
    }

    @Test func errorsHoldNoToken() throws {
        let text = ClusterToken().text
        for part in [text + "00", String(text.dropLast())] {
            let path = try file(part, mode: 0o600)
            do {
                _ = try TokenFile.read(path)
                Issue.record("no error")
            } catch {
                #expect(!"\(error)".contains(text.suffix(60).prefix(20)))
            }
        }
    }

    @Test func theFirstMakesItAndTheOthersReadIt() throws {
        let path = directory.file("state/caravan/token")
        let found = Mailbox<(token: ClusterToken, isNew: Bool)>(capacity: 8)
        let threads = try (0..<8).map { _ in
            try OSThread(name: "make") {
                if let result = try? TokenFile.readOrMake(path) { found.offer(result) }
            }
        }
        for thread in threads { thread.join() }
        found.close()
        var results: [(token: ClusterToken, isNew: Bool)] = []
        while let result = found.take() { results.append(result) }
        #expect(results.count == 8)
        #expect(results.filter(\.isNew).count == 1)
        #expect(try results.allSatisfy { try $0.token == TokenFile.read(path) })
        var status = stat()
        #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: directory.file("state/caravan"))
                == ["token"])
    }

    @Test func aPlaceThatCannotBeMadeIsNamed() throws {
        let blocker = try directory.write([], to: "file")
        #expect(throws: TokenFileError.self) { try TokenFile.readOrMake(blocker + "/token") }
    }
}
