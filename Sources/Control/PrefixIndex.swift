// SPDX-License-Identifier: Apache-2.0

/// Which slots hold which pages of tokens: a radix tree whose edges are the tokens of whole pages.
///
/// A slot is at every node from the root's child to that of its last page. Nodes without a slot are
/// taken away, so a search that goes down as long as it finds its next page ends at somebody who
/// has all of them; it looks at each page of the searcher once, however many slots there are.
package struct PrefixIndex: Sendable {
    private struct Node {
        /// The edge from `parent`.
        var page: [UInt32] = []
        var parent = 0
        var children: [[UInt32]: Int] = [:]
        var slots: Set<UInt32> = []
    }

    /// Where a search ended: as long as no node went it is continued there.
    private struct Cursor {
        var id: UInt64
        var node = 0
        var depth = 0
        var removalCount: Int
    }

    private let pagePositionCount: Int
    /// The root first; those in `unused` are to be used again.
    private var nodes = [Node()]
    private var unused: [Int] = []
    /// The node of each page that a slot holds.
    private var paths: [UInt32: [Int]] = [:]
    private var removalCount = 0
    private var cursor: Cursor?

    package init(pagePositionCount: Int) { self.pagePositionCount = pagePositionCount }

    package var isEmpty: Bool { paths.isEmpty && nodes.count == unused.count + 1 }

    /// Pages that `slot` is known to hold.
    package func pageCount(slot: UInt32) -> Int { paths[slot]?.count ?? 0 }

    /// The slot holds the first `pageCount` pages of `tokens`; those it is known to hold are the
    /// first of them.
    package mutating func extend(slot: UInt32, to pageCount: Int, of tokens: [UInt32]) {
        let known = self.pageCount(slot: slot)
        for index in known..<max(known, pageCount) {
            let parent = paths[slot]?.last ?? 0
            let page = page(index, of: tokens)
            let node = nodes[parent].children[page] ?? add(Node(page: page, parent: parent))
            nodes[parent].children[page] = node
            nodes[node].slots.insert(slot)
            paths[slot, default: []].append(node)
        }
    }

    /// The slot holds nothing any more.
    package mutating func remove(slot: UInt32) {
        truncate(slot: slot, to: 0)
        paths[slot] = nil
    }

    /// The slot holds no more than its first `pageCount` pages any more.
    package mutating func truncate(slot: UInt32, to pageCount: Int) {
        while self.pageCount(slot: slot) > pageCount, let node = paths[slot]?.popLast() {
            nodes[node].slots.remove(slot)
            guard nodes[node].slots.isEmpty else { continue }
            nodes[nodes[node].parent].children[nodes[node].page] = nil
            nodes[node] = Node()
            unused.append(node)
            removalCount += 1
        }
    }

    /// How many of the first `pageCountMax` pages of `tokens` some slot holds, and which do; `id`
    /// names the searcher, whose tokens only grow.
    package mutating func longest(
        of id: UInt64, _ tokens: [UInt32], pageCountMax: Int
    ) -> (pageCount: Int, slots: Set<UInt32>) {
        var place = Cursor(id: id, removalCount: removalCount)
        if let cursor, cursor.id == id, cursor.removalCount == removalCount,
            cursor.depth <= pageCountMax
        {
            place = cursor
        }
        while place.depth < pageCountMax,
            let next = nodes[place.node].children[page(place.depth, of: tokens)]
        {
            place.node = next
            place.depth += 1
        }
        cursor = place
        return (place.depth, nodes[place.node].slots)
    }

    /// Whether all pages of `other` are also the first of `slot`, another.
    package func isWithin(_ other: UInt32, slot: UInt32) -> Bool {
        guard other != slot, let path = paths[slot], let pages = paths[other],
            let last = pages.last, pages.count <= path.count
        else { return false }
        return path[pages.count - 1] == last
    }

    private func page(_ index: Int, of tokens: [UInt32]) -> [UInt32] {
        Array(tokens[index * pagePositionCount..<(index + 1) * pagePositionCount])
    }

    private mutating func add(_ node: Node) -> Int {
        guard let index = unused.popLast() else {
            nodes.append(node)
            return nodes.count - 1
        }
        nodes[index] = node
        return index
    }
}
