// SPDX-License-Identifier: Apache-2.0

import Model
import Platform
import Wire

/// The digests of a model file's blobs on disk, so that the file is hashed once and not at every
/// start.
///
/// They count as long as each part of the model has the path, device, inode, size and time of
/// modification it had. What is read by them is hashed again before it is used.
struct DigestIndex {
    private let path: String
    /// Which files the digests belong to; the lines before them.
    private let heading: String
    private let blobs: [Blob]

    init(directory: String, plan: BlobPlan) {
        blobs = plan.all
        var files: [MappedFile] = []
        for file in blobs.flatMap(\.files) where !files.contains(where: { $0 === file }) {
            files.append(file)
        }
        let lines = files.map { file in
            let identity = file.identity
            return "file \(identity.device) \(identity.inode) \(identity.byteCount) "
                + "\(identity.modifiedNanoseconds) \(file.path)\n"
        }
        heading = "caravan digests 1\n" + lines.joined()
        let paths = files.map(\.path).joined(separator: "\n")
        path = directory + "/digests-" + BlobDigest(hashing: paths).hexadecimal.prefix(16)
    }

    /// The digests of the blobs in order; nil when there are none, or not for these files.
    func read() -> [BlobDigest]? {
        // Lines of blobs are short; what is longer is no index.
        let byteCountMax = heading.utf8.count + blobs.count * 256 + 256
        guard let file = try? MappedFile(path: path), file.byteCount <= byteCountMax else {
            return nil
        }
        var bytes = [UInt8](repeating: 0, count: file.byteCount)
        guard (try? bytes.withUnsafeMutableBytes { try file.read(at: 0, into: $0) }) != nil else {
            return nil
        }
        let text = String(decoding: bytes, as: UTF8.self)
        guard text.hasPrefix(heading) else { return nil }
        let digests = text.split(separator: "\n").filter { $0.hasPrefix("blob ") }
            .compactMap { BlobDigest(hexadecimal: $0.dropFirst(5).prefix(64)) }
        return digests.count == blobs.count && text == self.text(digests) ? digests : nil
    }

    /// Failure to write only costs the next start some time.
    func write(_ digests: [BlobDigest]) {
        do throws(FileError) {
            try SmallFile.write(text(digests), to: path)
        } catch {
            Log.info("the digests of the model file are not kept: \(error)")
        }
    }

    func remove() { FileSystem.remove(path) }

    /// The whole file; its last line guards the others.
    private func text(_ digests: [BlobDigest]) -> String {
        let lines = zip(blobs, digests).map { blob, digest in
            "blob \(digest.hexadecimal) \(blob.byteCount) \(blob.name)\n"
        }
        let body = heading + lines.joined()
        return body + "end \(BlobDigest(hashing: body).hexadecimal)\n"
    }
}

extension BlobDigest {
    /// SHA-256 of a text.
    init(hashing text: String) {
        var hash = SHA256()
        hash.update(Array(text.utf8))
        guard let digest = BlobDigest(hash.finish()) else {
            preconditionFailure("SHA-256 has 32 bytes")
        }
        self = digest
    }

    /// From 64 digits, a to f in lower case.
    init?(hexadecimal text: Substring) {
        let digits = text.utf8.compactMap { digit -> UInt8? in
            switch digit {
            case 48...57: digit - 48
            case 97...102: digit - 87
            default: nil
            }
        }
        guard digits.count == 64, text.utf8.count == 64 else { return nil }
        let bytes = stride(from: 0, to: 64, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
        self.init(bytes)
    }

    package var hexadecimal: String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(64)
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}
