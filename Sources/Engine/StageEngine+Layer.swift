// SPDX-License-Identifier: Apache-2.0

import CKernels
import Model
import Platform

/// The forward pass of one layer, as in "LLaMA: Open and Efficient Foundation Language Models"
/// (Touvron et al., 2023), with grouped-query attention.
extension StageEngine {
    typealias Floats = UnsafeMutablePointer<Float>

    /// Fills the residual stream and the rotations of the step's rows.
    func begin(_ rows: [StageRow], hidden: [Float]) {
        let numbers = configuration.hyperparameters
        let width = numbers.embeddingLength
        if !configuration.isFirst {
            hidden.withUnsafeBufferPointer { source in
                guard let base = source.baseAddress else { return }
                scratch.hidden.update(from: base, count: source.count)
            }
        }
        forEachRow(rows.count) { index in
            if configuration.isFirst {
                embed(rows[index].token, into: scratch.hidden + index * width)
            }
            let position = Double(rows[index].position) / Double(numbers.ropeScale)
            ck_rope_table(
                position, frequencies, frequencies.count,
                scratch.rotations + index * 2 * numbers.ropeDimensionCount)
        }
    }

    private func embed(_ token: Int, into out: Floats) {
        switch weights.embedding {
        case .none: preconditionFailure("only the first stage embeds")
        case .head:
            guard var matrix = weights.head?.kernel else { return }
            ck_unpack_row(&matrix, token, out)
        case .rows(let rows): rows.read(token, into: out)
        }
    }

    func attentionPlan(_ rows: [StageRow]) -> AttentionPlan {
        AttentionPlan(
            rows, tables: cache.pages.tables, configuration: configuration,
            threadCount: team.presentCount)
    }

    func run(layer index: Int, rows: [StageRow], plan: AttentionPlan) {
        let layer = weights.layers[index]
        let first = index * StageWeights.loopsPerLayer
        let input = normalised(layer.attentionNorm, rowCount: rows.count)
        multiply(
            input, [queries(layer), keys(layer), values(layer)], next: readAhead.loop(first + 1))
        finish(layer: index, rows: rows, plan: plan, areStored: false)
    }

    /// The model's last layer, where only the rows `wanting`, by index, want a prediction: of the
    /// others nobody needs more than keys and values. Those that do are the first rows of the
    /// residual stream afterwards.
    func runLast(rows: [StageRow], wanting: [Int]) {
        let index = weights.layers.count - 1
        let layer = weights.layers[index]
        let first = index * StageWeights.loopsPerLayer
        let input = normalised(layer.attentionNorm, rowCount: rows.count)
        multiply(
            input, [keys(layer), values(layer)], next: readAhead.loop(wanting.isEmpty ? 0 : first))
        let heads = 0..<configuration.hyperparameters.headCountKV
        forEachRow(rows.count) { store(layer: index, rows[$0], index: $0, headsKV: heads) }
        guard !wanting.isEmpty else { return }

        moveTogether(wanting)
        let rows = wanting.map { rows[$0] }
        let narrowed = normalised(layer.attentionNorm, rowCount: rows.count)
        multiply(narrowed, [queries(layer)], next: readAhead.loop(first + 1))
        finish(layer: index, rows: rows, plan: attentionPlan(rows), areStored: true)
    }

    /// Rows of the residual stream and their rotations, by ascending index, become the first ones.
    private func moveTogether(_ indices: [Int]) {
        let width = configuration.hyperparameters.embeddingLength
        let length = 2 * configuration.hyperparameters.ropeDimensionCount
        for (place, index) in indices.enumerated() where place != index {
            (scratch.hidden + place * width).update(
                from: scratch.hidden + index * width, count: width)
            (scratch.rotations + place * length).update(
                from: scratch.rotations + index * length, count: length)
        }
    }

    private func queries(_ layer: StageWeights.Layer) -> Product {
        Product(layer.query, out: scratch.queries, stride: configuration.queryLength)
    }

    private func keys(_ layer: StageWeights.Layer) -> Product {
        Product(layer.key, out: scratch.keys, stride: configuration.keyLength)
    }

    private func values(_ layer: StageWeights.Layer) -> Product {
        Product(layer.value, out: scratch.values, stride: configuration.keyLength)
    }

    /// What follows the products with the layer's attention weights.
    private func finish(
        layer index: Int, rows: [StageRow], plan: AttentionPlan, areStored: Bool
    ) {
        let layer = weights.layers[index]
        let width = configuration.hyperparameters.embeddingLength
        let first = index * StageWeights.loopsPerLayer
        let attended = attend(layer: index, rows: rows, plan: plan, areStored: areStored)
        multiply(
            attended,
            [Product(layer.attentionOutput, out: scratch.hidden, stride: width, accumulate: true)],
            next: readAhead.loop(first + 2))
        feedForward(layer, rowCount: rows.count, loop: first + 2)
    }

    /// hidden += down(swiglu(gate(x), up(x))) for the normalised x.
    private func feedForward(_ layer: StageWeights.Layer, rowCount: Int, loop: Int) {
        let width = configuration.hyperparameters.embeddingLength
        let length = configuration.hyperparameters.feedForwardLength
        let input = normalised(layer.feedForwardNorm, rowCount: rowCount)
        let gate = Product(layer.gate, out: scratch.gate, stride: length)
        let up = Product(layer.up, out: scratch.up, stride: length)
        let gated = Activations(
            scratch.gate, rowCount: rowCount, columnCount: length, buffer: scratch.innerCodes)
        let unit = max(
            gate.groupUnit(rowCount: rowCount), up.groupUnit(rowCount: rowCount))
        team.split(gate.groupCount, unit: unit, next: readAhead.loop(loop + 1)) { groups, thread in
            multiply(input, gate, groups: groups, thread: thread)
            multiply(input, up, groups: groups, thread: thread)
            let columns = groups.lowerBound * 16..<min(length, groups.upperBound * 16)
            for row in 0..<rowCount {
                let offset = row * length + columns.lowerBound
                ck_swiglu(isa.code, scratch.gate + offset, scratch.up + offset, columns.count)
                gated.quantise(row: row, columns: columns, isa: isa.code)
            }
        }
        multiply(
            gated, [Product(layer.down, out: scratch.hidden, stride: width, accumulate: true)],
            next: readAhead.loop(loop + 2))
    }

    /// RMSNorm of rows of the residual stream, its first ones unless told, quantised.
    func normalised(_ weight: [Float], rowCount: Int, of hidden: Floats? = nil) -> Activations {
        let hidden = hidden ?? scratch.hidden
        let numbers = configuration.hyperparameters
        let width = numbers.embeddingLength
        let result = Activations(
            scratch.normed, rowCount: rowCount, columnCount: width, buffer: scratch.normedCodes)
        forEachRow(rowCount) { row in
            ck_rms_norm(
                isa.code, hidden + row * width, weight, width, numbers.rmsEpsilon,
                scratch.normed + row * width)
            result.quantise(row: row, isa: isa.code)
        }
        return result
    }

    /// Calls `body` for each row, on several threads where there are rows enough to pay for it.
    func forEachRow(_ count: Int, _ body: (Int) -> Void) {
        if count < 4 {
            for row in 0..<count { body(row) }
        } else {
            team.split(count) { rows, _ in
                for row in rows { body(row) }
            }
        }
    }
}
