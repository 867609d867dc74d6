// SPDX-License-Identifier: Apache-2.0

package import Platform

/// A model in one or several mapped GGUF files, its metadata and tensor table checked.
///
/// Tensor data are not touched here: they are read from the file when a blob is shipped or packed.
/// A split model is opened by the path of any of its parts.
package final class ModelFile: Sendable {
    /// The first part's, which carries what describes the model.
    package let metadata: Metadata
    /// In file order over all parts; names are unique.
    package let tensors: [Tensor]
    /// One for each part, in order.
    package let paths: [String]
    /// What tells this version of each part from another.
    package let identities: [FileIdentity]
    /// Of all parts together.
    package let byteCount: Int
    private let indices: [String: Int]

    package init(path: String) throws(ModelFileError) {
        let given = try Part(path: path)
        let paths = try Self.partPaths(given)
        var files: [MappedFile] = []
        var tensors: [Tensor] = []
        var first: Metadata?
        for (number, path) in paths.enumerated() {
            let part = path == given.file.path ? given : try Part(path: path)
            do {
                try SplitName.check(
                    part.header.metadata, partNumber: number, partCount: paths.count)
            } catch {
                throw .split(path: path, error)
            }
            files.append(part.file)
            tensors += part.header.tensors
            first = first ?? part.header.metadata
        }
        metadata = first ?? Metadata()
        self.tensors = tensors
        self.paths = paths
        identities = files.map(\.identity)
        byteCount = files.reduce(0) { $0 + $1.byteCount }
        indices = try Self.indexed(tensors)
        let key = SplitName.tensorCountKey
        if paths.count > 1, let count = metadata.integer(key), count != tensors.count {
            throw .split(path: paths[0], .tensorCount(expected: count, found: tensors.count))
        }
    }

    package func tensor(named name: String) -> Tensor? { indices[name].map { tensors[$0] } }

    /// The file's name without directories, `.gguf` and the number of the part.
    package var name: String {
        let last = paths[0].split(separator: "/").last.map(String.init) ?? paths[0]
        if let split = SplitName(path: last) { return split.stem }
        return last.hasSuffix(".gguf") ? String(last.dropLast(5)) : last
    }

    /// One file with its header, errors carrying its path.
    private struct Part {
        let file: MappedFile
        let header: GGUFPart

        init(path: String) throws(ModelFileError) {
            do { file = try MappedFile(path: path) } catch { throw .file(error) }
            do { header = try GGUFPart(file: file) } catch { throw .format(path: path, error) }
        }
    }

    /// All parts of the model that `part` is one of; a name like a part's does not make it one.
    private static func partPaths(_ part: Part) throws(ModelFileError) -> [String] {
        let path = part.file.path
        guard let count = part.header.metadata.integer(SplitName.countKey), count > 1 else {
            return [path]
        }
        guard let name = SplitName(path: path) else {
            throw .split(path: path, .name(partCount: count))
        }
        guard name.partCount == count else {
            throw .split(path: path, .partCount(expected: name.partCount, found: count))
        }
        return (0..<count).map(name.path(ofPart:))
    }

    private static func indexed(_ tensors: [Tensor]) throws(ModelFileError) -> [String: Int] {
        var indices: [String: Int] = [:]
        indices.reserveCapacity(tensors.count)
        for (index, tensor) in tensors.enumerated() {
            guard indices.updateValue(index, forKey: tensor.name) == nil else {
                throw .format(path: tensor.region.file.path, .duplicateTensor(tensor.name))
            }
        }
        return indices
    }
}
