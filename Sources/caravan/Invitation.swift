// SPDX-License-Identifier: Apache-2.0

package import Platform

/// Lines that tell how a worker joins a coordinator.
package struct Invitation {
    private let join: String
    private let isLoopback: Bool
    private let access: Access

    private enum Access {
        case plaintext
        /// A file that can be copied, from the root on.
        case file(String)
        /// The token came over standard input, or as a credential that this service alone sees.
        case elsewhere
    }

    /// `address` is one at which workers reach the coordinator, `tokenPath` what `--token-file`
    /// named or the standard place, nil for plaintext; `credentialsDirectory` is systemd's.
    package init(
        to address: SocketAddress, tokenPath: String?, credentialsDirectory: String?
    ) {
        join = "caravan worker --join \(address)"
        isLoopback = address.isLoopback
        guard let tokenPath else {
            access = .plaintext
            return
        }
        let file = FileSystem.absolutePath(tokenPath)
        let isCredential = credentialsDirectory.map { file.hasPrefix($0 + "/") } ?? false
        access =
            tokenPath == TokenFile.standardInput || isCredential
            ? .elsewhere : .file(Self.quoted(file))
    }

    package var lines: [String] {
        switch access {
        case .plaintext: ["workers join with: \(join) --plaintext"]
        case .elsewhere:
            ["workers join with: \(join) --token-file FILE, where FILE holds the same token"]
        case .file(let file) where isLoopback: ["workers join with: \(join) --token-file \(file)"]
        case .file(let file):
            [
                "for each further machine, here: scp \(file) MACHINE:caravan-token",
                "then there: \(join) --token-file ~/caravan-token",
            ]
        }
    }

    /// For a shell: as it is where nothing in it needs quotes.
    private static func quoted(_ path: String) -> String {
        let isPlain = path.allSatisfy {
            $0.isASCII && ($0.isLetter || $0.isNumber || "/._-".contains($0))
        }
        let parts = path.split(separator: "'", omittingEmptySubsequences: false)
        return isPlain ? path : "'" + parts.joined(separator: "'\\''") + "'"
    }
}
