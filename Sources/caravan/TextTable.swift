// SPDX-License-Identifier: Apache-2.0

/// Rows of cells as lines of aligned columns.
enum TextTable {
    /// Columns from `firstNumeric` on are aligned on the right, those before it on the left.
    static func lines(_ rows: [[String]], firstNumeric: Int = .max) -> [String] {
        let widths = (rows.first ?? []).indices.map { column in
            rows.map { $0[column].count }.max() ?? 0
        }
        return rows.map { row in
            let cells = zip(row, widths).enumerated().map { column, cell in
                column < firstNumeric ? cell.0.padded(to: cell.1) : cell.0.leftPadded(to: cell.1)
            }
            var line = cells.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line
        }
    }
}
