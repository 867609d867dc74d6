// SPDX-License-Identifier: Apache-2.0

import Cluster
import Platform
import Testing

struct CacheRoomTests {
    private func name(_ digit: Character) -> String { String(repeating: digit, count: 64) }

    /// Blobs of 100 bytes, used at the times given, and files that are none of the cache's.
    private func entries(_ times: [Character: Int64]) -> [FileSystem.Entry] {
        times.map { digit, time in
            FileSystem.Entry(name: name(digit), byteCount: 100, modifiedNanoseconds: time)
        } + [FileSystem.Entry(name: "notes.txt", byteCount: 1 << 40, modifiedNanoseconds: 0)]
    }

    private func victims(_ room: CacheRoom, for byteCount: Int) -> (names: String, short: Int) {
        var room = room
        var names = ""
        while let victim = room.nextVictim(for: byteCount) {
            names += victim.name.prefix(1)
            room.noteRemoved(victim)
        }
        return (names, room.shortage(for: byteCount))
    }

    private let ample = (freeByteCount: 1 << 40, byteCount: 1 << 41)

    @Test(arguments: [
        (0, "", 0), (100, "", 0), (101, "b", 0), (200, "b", 0), (300, "bc", 0), (500, "bc", 200),
        (Int.max / 2, "bc", Int.max / 2 - 300),
    ])
    func whatWasUsedLeastRecentlyGoesFirst(need: Int, gone: String, short: Int) {
        let room = CacheRoom(
            entries: entries(["a": 1, "b": 2, "c": 3]), kept: [name("a")], byteCountMax: 400,
            disk: ample)
        let found = victims(room, for: need)
        #expect(found.names == gone)
        #expect(found.short == short)
    }

    @Test func theLastOfTheDiskIsLeftToOthers() {
        // 5 % of 10,000 stay free.
        let disk = (freeByteCount: 700, byteCount: 10_000)
        let room = CacheRoom(
            entries: entries(["a": 1, "b": 2]), kept: [], byteCountMax: nil, disk: disk)
        #expect(victims(room, for: 200) == ("", 0))
        #expect(victims(room, for: 201) == ("a", 0))
        #expect(victims(room, for: 401) == ("ab", 1))
        // Of a large disk no more than 4 GiB.
        let large = (freeByteCount: 5 << 30, byteCount: 1 << 50)
        #expect(
            CacheRoom(entries: [], kept: [], byteCountMax: nil, disk: large)
                .shortage(for: 1 << 30) == 0)
    }

    @Test func partsCountAndGoLikeBlobs() {
        let part = FileSystem.Entry(
            name: name("d") + ".2.part", byteCount: 100, modifiedNanoseconds: 1)
        let room = CacheRoom(
            entries: entries(["e": 2]) + [part], kept: [], byteCountMax: 250, disk: ample)
        #expect(victims(room, for: 100) == ("d", 0))
        let kept = CacheRoom(
            entries: entries(["e": 2]) + [part], kept: [name("d")], byteCountMax: 250, disk: ample)
        #expect(victims(kept, for: 100) == ("e", 0))
    }

    @Test(arguments: [
        "", "abc", "notes.txt", "digests-0123456789abcdef", "speed", "speed.new",
    ])
    func otherFilesAreNoBlobs(name: String) {
        #expect(CacheRoom.blobName(of: name) == nil)
        #expect(CacheRoom.blobName(of: self.name("A")) == nil)
        #expect(CacheRoom.blobName(of: self.name("a") + ".txt") == nil)
        #expect(CacheRoom.blobName(of: self.name("a") + "a") == nil)
        #expect(CacheRoom.blobName(of: self.name("a") + ".part") == self.name("a"))
    }
}
