// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A whole file mapped read-only into memory for as long as the object lives.
///
/// Pages are loaded on first touch and are shared with the page cache, so mapping a model costs no
/// private memory. An empty file maps to zero bytes.
package final class MappedFile: Sendable {
    package let path: String
    package let byteCount: Int
    /// Identity of the file at the time of mapping: a file that changed under us is noticed.
    package let identity: FileIdentity
    let descriptor: Int32
    private nonisolated(unsafe) let base: UnsafeRawPointer

    package init(path: String) throws(FileError) {
        // A pipe without a writer must not keep us: it is refused below.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw .cannotOpen(path: path, errno: errno) }
        var isOpen = false
        defer { if !isOpen { close(descriptor) } }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .cannotOpen(path: path, errno: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notARegularFile(path: path) }
        let count = Int(status.st_size)
        let address = mmap(nil, max(count, 1), PROT_READ, MAP_SHARED, descriptor, 0)
        guard let address, address != MAP_FAILED else {
            throw .cannotMap(path: path, errno: errno)
        }
        isOpen = true
        self.descriptor = descriptor
        self.path = path
        self.byteCount = count
        self.identity = FileIdentity(status)
        self.base = UnsafeRawPointer(address)
    }

    deinit {
        munmap(UnsafeMutableRawPointer(mutating: base), max(byteCount, 1))
        // A mark would outlive this in a process that is being started and has not let go yet.
        _ = flock(descriptor, LOCK_UN)
        close(descriptor)
    }

    /// The bytes `range` of the file. The caller keeps `range` inside `0..<byteCount`.
    package func withUnsafeBytes<R, E: Error>(
        _ range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        precondition(range.lowerBound >= 0 && range.upperBound <= byteCount)
        return try body(UnsafeRawBufferPointer(start: base + range.lowerBound, count: range.count))
    }

    /// Tells the kernel that the pages wholly inside `range` are no longer needed by this process.
    package func release(_ range: Range<Int>) {
        let page = Int(getpagesize())
        let start = (range.lowerBound + page - 1) / page * page
        let end = range.upperBound / page * page
        guard start < end else { return }
        madvise(UnsafeMutableRawPointer(mutating: base + start), end - start, MADV_DONTNEED)
    }
}

/// What tells two versions of a file apart: device, inode, size and time of modification.
package struct FileIdentity: Sendable, Hashable {
    package let device: UInt64
    package let inode: UInt64
    package let byteCount: UInt64
    package let modifiedNanoseconds: Int64

    init(_ status: stat) {
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        byteCount = UInt64(status.st_size)
        modifiedNanoseconds =
            Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
    }
}

/// A run of bytes inside a mapped file; keeps the mapping alive.
package struct FileRegion: Sendable {
    package let file: MappedFile
    package let range: Range<Int>

    package init(file: MappedFile, range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= file.byteCount)
        self.file = file
        self.range = range
    }

    package var byteCount: Int { range.count }

    package func withUnsafeBytes<R, E: Error>(
        _ body: (UnsafeRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        try file.withUnsafeBytes(range, body)
    }
}

/// Faults that say nothing of what they befell.
enum Shortage {
    /// Of descriptors or memory, in this process or on this machine.
    static let errnos: Set<Int32> = [EMFILE, ENFILE, ENOMEM, ENOBUFS]
}

/// Why a file could not be used.
package enum FileError: Error, Equatable, CustomStringConvertible {
    case cannotOpen(path: String, errno: Int32)
    case notARegularFile(path: String)
    case cannotMap(path: String, errno: Int32)
    case cannotWrite(path: String, errno: Int32)
    case cannotRead(path: String, errno: Int32)
    case cannotLock(path: String, errno: Int32)
    /// Neither `HOME` nor the user's account names a directory.
    case noHome
    /// It was written to, or cut short, since it was opened.
    case changed(path: String)

    /// Whether it says nothing of the file: this process or the machine is short of descriptors or
    /// memory.
    package var isShortage: Bool {
        switch self {
        case .cannotOpen(_, let number), .cannotMap(_, let number):
            Shortage.errnos.contains(number)
        default: false
        }
    }

    /// Whether the disk is full, or a quota used up: somebody may make room.
    package var isLackOfRoom: Bool {
        guard case .cannotWrite(_, let number) = self else { return false }
        return number == ENOSPC || number == EDQUOT
    }

    package var description: String {
        switch self {
        case .cannotOpen(let path, let errno):
            "cannot open \(path): \(systemMessage(errno)); check the path and its permissions"
        case .notARegularFile(let path):
            "\(path) is not a regular file; name a file"
        case .cannotMap(let path, let errno):
            "cannot map \(path) into memory: \(systemMessage(errno))"
        case .cannotWrite(let path, let errno):
            "cannot write \(path): \(systemMessage(errno)); check free space and permissions"
        case .cannotRead(let path, let errno):
            "cannot read \(path): \(systemMessage(errno)); check the disk and the permissions"
        case .cannotLock(let path, let errno):
            "cannot lock \(path): \(systemMessage(errno)); locks don't work on its file system: "
                + "name another --cache"
        case .noHome:
            "this user has no home directory; set HOME, or name --token-file and --cache"
        case .changed(let path):
            "\(path) has changed since it was opened; restart what uses it"
        }
    }
}

/// The C library's text for an error number.
package func systemMessage(_ number: Int32) -> String {
    String(cString: strerror(number))
}
