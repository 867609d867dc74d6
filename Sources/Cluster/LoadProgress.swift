// SPDX-License-Identifier: Apache-2.0

/// What a worker's memory tells of its loading: meanwhile it grows, or shrinks as an old stage
/// goes; where a disk hangs it stays as it is.
package struct LoadProgress {
    /// Changes below it happen at any time.
    package static let step = 16 << 20

    private var residentBytes = 0
    /// All changes together, up or down.
    package private(set) var movedBytes = 0

    package init() {}

    package mutating func note(residentBytes now: Int) {
        let change = abs(now - residentBytes)
        guard change >= Self.step else { return }
        movedBytes += change
        residentBytes = now
    }
}
