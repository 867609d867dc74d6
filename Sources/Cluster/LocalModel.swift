// SPDX-License-Identifier: Apache-2.0

import Model
import Platform
import Wire

/// A model file on a worker's own machine: blobs found in it need not be shipped.
package struct LocalModel: Sendable {
    package let path: String
    private let catalog: BlobCatalog

    /// Checks the file and finds out the digests of its blobs, which are kept in
    /// `cacheDirectory`. Throws `ModelFileError` or `FileError`, and `HashingStopped` soon after
    /// `isStopped` says so.
    package init(
        path: String, cacheDirectory: String, threadCount: Int,
        unless isStopped: @escaping @Sendable () -> Bool = { false }
    ) throws {
        let file = try ModelFile(path: path)
        let shape = try Hyperparameters(metadata: file.metadata, tensors: file.tensors)
        self.path = path
        catalog = try BlobCatalog(
            BlobPlan(file: file, hyperparameters: shape), indexDirectory: cacheDirectory,
            threadCount: threadCount, unless: isStopped)
    }

    func blob(_ digest: BlobDigest) -> Blob? { catalog.blob(digest) }

    /// Whether the file was written to since it was opened.
    var hasChanged: Bool { catalog.hasChanged }

    /// Notes that a blob in it is not what its digest said.
    func distrust(_ digest: BlobDigest) {
        Log.warning(
            "blob \(digest.hexadecimal) in \(path) is damaged; it will be shipped, and the file "
                + "hashed anew at the next start")
        catalog.forget()
    }
}
