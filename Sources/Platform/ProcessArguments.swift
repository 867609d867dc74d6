// SPDX-License-Identifier: Apache-2.0

/// What the process was started with.
package enum ProcessArguments {
    /// The arguments behind the program's name.
    ///
    /// `CommandLine.arguments` puts another character in the place of what is not UTF-8: a file
    /// with such a name would seem not to be there.
    package static func read() throws(ArgumentError) -> [String] {
        let words = UnsafeBufferPointer(
            start: CommandLine.unsafeArgv, count: Int(CommandLine.argc))
        var texts: [String] = []
        for (place, word) in words.enumerated().dropFirst() {
            guard let word, let text = String(validatingCString: characters(word)) else {
                throw .notUTF8(place: place)
            }
            texts.append(text)
        }
        return texts
    }

    /// What C calls a character differs among CPUs; what Swift says of the arguments does not.
    private static func characters(_ word: UnsafeMutablePointer<Int8>) -> UnsafePointer<CChar> {
        UnsafeRawPointer(word).assumingMemoryBound(to: CChar.self)
    }
}

/// An argument that can't be read.
package enum ArgumentError: Error, Equatable, CustomStringConvertible {
    /// The first after the program's name has place 1.
    case notUTF8(place: Int)

    package var description: String {
        switch self {
        case .notUTF8(let place):
            "argument \(place) is not UTF-8; write it in UTF-8, and rename a file whose name is not"
        }
    }
}
