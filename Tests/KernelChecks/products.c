// SPDX-License-Identifier: Apache-2.0
// Packing and matrix products: each type, by each instruction set, in batches of every size.
#include "../../Sources/CKernels/kernels.h"
#include "check.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/// A matrix, what it is multiplied with, and the portable code's result.
typedef struct {
    char name[64];
    const weight_type *type;
    size_t rows, columns, batch;
    /// Floats from one row of results to the next; those between them must stay as they are.
    size_t stride;
    const uint8_t *stored;
    ck_matrix packed;
    size_t group_count;
    const float *values;
    /// (batch, columns) and (batch, columns / 32): each row's for itself.
    const int8_t *codes;
    const ck_block *blocks;
    /// (batch, stride)
    const float *whole;
} product;

static bool is_quantised(const weight_type *type) { return type->block_weights > 1; }

static size_t row_bytes(const product *p) {
    return p->columns / p->type->block_weights * p->type->block_bytes;
}

static void draw_input(product *p, source *random, bool extreme) {
    size_t count = p->batch * p->columns;
    float *values = random_floats(random, count, 3);
    for (size_t i = 0; extreme && i < count; i++) {
        values[i] = draw_size(random, 0, 30) == 0 ? values[i] : i / 64 % 2 ? 3 : -3;
    }
    p->values = values;
    if (is_quantised(p->type)) {
        int8_t *codes = room(count);
        ck_block *blocks = room(count / 32 * sizeof(ck_block));
        ck_quantise(CK_PORTABLE, p->values, count, 1, codes, blocks);
        p->codes = codes;
        p->blocks = blocks;
    }
}

/// Packed in two parts, as two threads would. Each row must have the source's values, and those
/// that fill up the last group zeros.
static void pack(product *p) {
    size_t bytes = ck_group_bytes(p->type->number, p->columns) * p->group_count;
    uint8_t *packed = room(bytes);
    size_t middle = p->group_count / 2;
    ck_pack(p->type->number, p->stored, p->rows, p->columns, 0, middle, packed);
    ck_pack(p->type->number, p->stored, p->rows, p->columns, middle, p->group_count, packed);
    p->packed = (ck_matrix){packed, p->type->number, p->rows, p->columns};
    float *expected = room(p->columns * sizeof(float)), *found = room(p->columns * sizeof(float));
    for (size_t row = 0; row < p->rows; row++) {
        ck_dequantise(p->type->number, p->stored + row * row_bytes(p), p->columns, expected);
        ck_unpack_row(&p->packed, row, found);
        expect_same(p->name, "the packed row", expected, found, p->columns * sizeof(float));
    }
    for (size_t row = p->rows; row < p->group_count * 16; row++) {
        ck_unpack_row(&p->packed, row, found);
        for (size_t i = 0; i < p->columns; i++) {
            if (found[i] != 0) {
                fault("%s: missing row %zu is not zero at %zu", p->name, row, i);
            }
        }
    }
}

/// The codes and blocks of the rows `start..<start + count`, in panels.
static void arrange(const product *p, size_t start, size_t count, ck_activations *x) {
    size_t blocks = p->columns / 32;
    int8_t *codes = room(count * p->columns);
    ck_block *sums = room(count * blocks * sizeof(ck_block));
    for (size_t row = 0; row < count; row++) {
        ck_panel panel = ck_panel_of(row, count);
        for (size_t block = 0; block < blocks; block++) {
            size_t from = (start + row) * blocks + block;
            size_t to = panel.start * blocks + block * panel.rows + row - panel.start;
            memcpy(codes + to * 32, p->codes + from * 32, 32);
            sums[to] = p->blocks[from];
        }
    }
    x->codes = codes;
    x->blocks = sums;
}

/// Results for rows `start..<start + count` of the batch, from buffers that hold only them, in two
/// ranges of groups. `base` is what was there, or NULL to overwrite the pattern.
static float *multiply(const product *p, ck_isa isa, size_t start, size_t count, float *base) {
    size_t size = ((count - 1) * p->stride + p->rows) * sizeof(float);
    float *out = base ? copy(base, size) : room(size);
    ck_activations x = {.rows = count, .columns = p->columns};
    if (is_quantised(p->type)) {
        arrange(p, start, count, &x);
    } else {
        x.values = copy(p->values + start * p->columns, count * p->columns * sizeof(float));
    }
    size_t middle = (p->group_count + 1) / 2;
    ck_multiply(isa, &p->packed, &x, 0, middle, out, p->stride, base);
    ck_multiply(isa, &p->packed, &x, middle, p->group_count, out, p->stride, base);
    return out;
}

static void check_batches(const product *p, size_t step, instruction_set isa) {
    for (size_t count = 1; count <= p->batch; count += step) {
        size_t start = count * 7 % (p->batch + 1 - count), mark = room_mark();
        float *part = multiply(p, isa.code, start, count, NULL);
        size_t size = ((count - 1) * p->stride + p->rows) * sizeof(float);
        expect_same(p->name, isa.name, p->whole + start * p->stride, part, size);
        clear_room(mark);
    }
}

/// Whichever CPU this is, AVX-512 takes groups singly and in pairs.
static void check_batches_everywhere(const product *p, size_t step) {
    for (size_t i = 0; i < isa_count; i++) {
        bool chosen = ck_pairs_groups;
        check_batches(p, step, isas[i]);
        if (isas[i].code == CK_AVX512VNNI && p->batch >= 2 * CK_PANEL_ROWS) {
            ck_pairs_groups = !chosen;
            check_batches(p, step, isas[i]);
        }
        ck_pairs_groups = chosen;
    }
}

static void check_accumulation(const product *p, source *random) {
    size_t count = (p->batch - 1) * p->stride + p->rows;
    float *base = random_floats(random, count, 5);
    float *expected = copy(base, count * sizeof(float));
    for (size_t row = 0; row < p->batch; row++) {
        for (size_t w = 0; w < p->rows; w++) {
            expected[row * p->stride + w] += p->whole[row * p->stride + w];
        }
    }
    for (size_t i = 0; i < isa_count; i++) {
        float *found = multiply(p, isas[i].code, 0, p->batch, base);
        expect_same(p->name, isas[i].name, expected, found, count * sizeof(float));
    }
}

/// Float weights as the tiles that OpenBLAS multiplies.
static void check_widening(const product *p) {
    size_t start = p->group_count / 2, count = p->group_count - start;
    size_t size = p->columns * 16 * count * sizeof(float);
    float *expected = room(size);
    ck_widen_groups(CK_PORTABLE, &p->packed, start, count, expected);
    report(p->name, expected, size);
    for (size_t i = 1; i < isa_count; i++) {
        float *found = room(size);
        ck_widen_groups(isas[i].code, &p->packed, start, count, found);
        expect_same(p->name, isas[i].name, expected, found, size);
    }
}

/// The definition, in doubles, for the first rows of the batch.
static void check_values(const product *p) {
    float *weights = room(p->columns * sizeof(float));
    for (size_t w = 0; w < p->rows; w++) {
        ck_dequantise(p->type->number, p->stored + w * row_bytes(p), p->columns, weights);
        for (size_t row = 0; row < p->batch && row < 3; row++) {
            double sum = 0, size = 0;
            for (size_t i = 0; i < p->columns; i++) {
                size_t at = row * p->columns + i;
                double x = is_quantised(p->type)
                               ? (double)p->codes[at] * (double)p->blocks[at / 32].scale
                               : (double)p->values[at];
                sum += weights[i] * x;
                size += fabs(weights[i] * x);
            }
            double error = fabs(p->whole[row * p->stride + w] - sum);
            if (!(error <= 1e-5 * size)) {
                fault("%s: row %zu, weight row %zu is %g off", p->name, row, w, error);
            }
        }
    }
}

static void check_product(
    const weight_type *type, size_t rows, size_t columns, size_t batch, size_t step,
    bool extreme) {
    source random = source_of(type->number * 1000003 + rows * 1009 + columns * 101 + batch);
    product p = {.type = type, .rows = rows, .columns = columns, .batch = batch};
    snprintf(p.name, sizeof p.name, "multiply %s %zux%zu by %zu", type->name, rows, columns, batch);
    p.stride = rows + draw_size(&random, 0, 3);
    p.group_count = (rows + 15) / 16;
    p.stored = random_matrix(&random, type, rows * columns, extreme);
    pack(&p);
    draw_input(&p, &random, extreme);
    p.whole = multiply(&p, CK_PORTABLE, 0, batch, NULL);
    report(p.name, p.whole, ((batch - 1) * p.stride + rows) * sizeof(float));
    check_values(&p);
    check_accumulation(&p, &random);
    check_batches_everywhere(&p, step);
    if (!is_quantised(type)) {
        check_widening(&p);
    }
    clear_room(0);
}

void check_products(void) {
    source random = source_of(3);
    for (size_t t = 0; t < weight_type_count; t++) {
        const weight_type *type = &weight_types[t];
        size_t unit = type->block_weights;
        check_product(type, 33, unit == 1 ? 37 : unit == 32 ? 160 : 512, 64, 1, false);
        for (int i = 0; i < 20; i++) {
            size_t units = draw_size(&random, 1, unit == 1 ? 70 : unit == 32 ? 12 : 3);
            size_t rows = draw_size(&random, 1, 70), batch = draw_size(&random, 1, 64);
            check_product(type, rows, units * unit, batch, draw_size(&random, 1, batch), false);
        }
        // More rows than stay in the first-level cache.
        check_product(type, 16, unit == 1 ? 16 : unit, 135, 61, false);
        check_product(type, 32, unit == 1 ? 64 : 512, 16, 3, true);
    }
}
