// SPDX-License-Identifier: Apache-2.0

import Glibc

extension MappedFile {
    /// Whether the file was written to or cut short since it was mapped.
    ///
    /// A file of the same name put in its place is another file: this one lives on.
    package var hasChanged: Bool {
        var status = stat()
        return fstat(descriptor, &status) != 0 || FileIdentity(status) != identity
    }

    /// Fills `buffer` with the bytes from `offset` on.
    ///
    /// Through the descriptor: no page of the mapping becomes resident, and a file that was cut
    /// short is an error here, where touching the mapping would end the process.
    package func read(
        at offset: Int, into buffer: UnsafeMutableRawBufferPointer
    ) throws(FileError) {
        try readFully(descriptor, at: offset, into: buffer, path: path)
    }

    /// Feeds the bytes `range` to `hash`, reading as `read(at:into:)` does.
    package func hash(_ range: Range<Int>, into hash: inout SHA256) throws(FileError) {
        try hashFully(descriptor, range, into: &hash, path: path)
    }

    /// Marks the file as in use, for as long as this object lives or until it is told that it is
    /// not; see `FileSystem.removeUnused`.
    package func mark(asUsed isUsed: Bool) {
        // By the open file: it may have another name since.
        if isUsed { futimens(descriptor, nil) }
        _ = flock(descriptor, isUsed ? LOCK_SH | LOCK_NB : LOCK_UN)
    }
}

extension FileRegion {
    /// Fills `buffer` with the bytes from `offset` of the region on, as `MappedFile.read` does.
    package func read(
        at offset: Int, into buffer: UnsafeMutableRawBufferPointer
    ) throws(FileError) {
        precondition(offset >= 0 && buffer.count <= byteCount - offset)
        try file.read(at: range.lowerBound + offset, into: buffer)
    }
}

/// Fills `buffer` from `offset` of the file on; `.changed` where the file ends before that.
func readFully(
    _ descriptor: Int32, at offset: Int, into buffer: UnsafeMutableRawBufferPointer, path: String
) throws(FileError) {
    var done = 0
    while done < buffer.count, let base = buffer.baseAddress {
        let got = pread(descriptor, base + done, buffer.count - done, off_t(offset + done))
        if got > 0 {
            done += got
        } else if got == 0 {
            throw .changed(path: path)
        } else if errno != EINTR {
            throw .cannotRead(path: path, errno: errno)
        }
    }
}

/// Feeds the bytes `range` of the file to `hash`, a window at a time.
func hashFully(
    _ descriptor: Int32, _ range: Range<Int>, into hash: inout SHA256, path: String
) throws(FileError) {
    let windowBytes = 1 << 20
    let window = UnsafeMutableRawBufferPointer.allocate(
        byteCount: min(windowBytes, max(1, range.count)), alignment: 64)
    defer { window.deallocate() }
    for start in stride(from: range.lowerBound, to: range.upperBound, by: windowBytes) {
        let count = min(windowBytes, range.upperBound - start)
        let part = UnsafeMutableRawBufferPointer(rebasing: window[..<count])
        try readFully(descriptor, at: start, into: part, path: path)
        hash.update(UnsafeRawBufferPointer(part))
    }
}

/// Writes all of `bytes` at the descriptor's place.
func writeFully(_ descriptor: Int32, _ bytes: [UInt8], path: String) throws(FileError) {
    var written = 0
    while written < bytes.count {
        let put = bytes.withUnsafeBytes { raw in
            write(descriptor, raw.baseAddress.map { $0 + written }, raw.count - written)
        }
        guard put > 0 else {
            throw .cannotWrite(path: path, errno: put < 0 ? errno : ENOSPC)
        }
        written += put
    }
}
