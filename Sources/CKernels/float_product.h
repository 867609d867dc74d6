// SPDX-License-Identifier: Apache-2.0
// Products with packed float weights: lanes are weight rows, even and odd columns are summed apart.
#ifndef CK_FLOAT_PRODUCT_H
#define CK_FLOAT_PRODUCT_H

#include "kernels.h"
#include "lanes.h"
#include "output.h"

DEFINE_PUT(put_floats, v16f)

INLINE v16f widen_bf16(const uint16_t *p) {
    v16h h;
    __builtin_memcpy(&h, p, sizeof h);
    return ((v16f)(__builtin_convertvector(h, v16u) << 16));
}

/// The 16 weights of one column of a group.
INLINE v16f float_column(const uint32_t type, const void *group, size_t column) {
    switch (type) {
    case CK_F32: return load16((const float *)group + column * 16);
    case CK_F16: return widen16((const uint16_t *)group + column * 16);
    default: return widen_bf16((const uint16_t *)group + column * 16);
    }
}

INLINE size_t float_bytes(uint32_t type) { return type == CK_F32 ? 4 : 2; }

/// A group times the R rows from `row` on.
INLINE void float_rows(
    const uint32_t type, const int R, const ck_matrix *w, const ck_activations *x, size_t group,
    size_t row, output target) {
    const char *base = (const char *)w->packed + group * 16 * w->columns * float_bytes(type);
    const float *values = x->values + row * x->columns;
    v16f even[CK_FLOAT_ROWS] = {0}, odd[CK_FLOAT_ROWS] = {0};
    size_t column = 0;
    for (; column + 2 <= w->columns; column += 2) {
        v16f a = float_column(type, base, column);
        v16f b = float_column(type, base, column + 1);
        UNROLL for (int r = 0; r < R; r++) {
            const float *v = values + (size_t)r * x->columns + column;
            even[r] = FMA(a, (v16f)v[0], even[r]);
            odd[r] = FMA(b, (v16f)v[1], odd[r]);
        }
    }
    UNROLL for (int r = 0; r < R; r++) {
        if (column < w->columns) {
            v16f a = float_column(type, base, column);
            even[r] = FMA(a, (v16f)values[(size_t)r * x->columns + column], even[r]);
        }
        put_floats(target, row + (size_t)r, group * 16, even[r] + odd[r], w->rows - group * 16);
    }
}

/// All rows by groups, in tiles of CK_FLOAT_ROWS. Those left over have code of their own for each
/// number: row by row, which reads and widens the weights anew, 3 rows cost more than 4.
INLINE void float_typed(
    const uint32_t type, const ck_matrix *w, const ck_activations *x, size_t group_start,
    size_t group_end, output target) {
    for (size_t group = group_start; group < group_end; group++) {
        size_t row = 0;
        for (; row + CK_FLOAT_ROWS <= x->rows; row += CK_FLOAT_ROWS) {
            float_rows(type, CK_FLOAT_ROWS, w, x, group, row, target);
        }
        switch (x->rows - row) {
#define TILE(R)                                                                                   \
    case R:                                                                                       \
        if (R < CK_FLOAT_ROWS) {                                                                  \
            float_rows(type, R, w, x, group, row, target);                                        \
        }                                                                                         \
        break;
            TILE(1) TILE(2) TILE(3) TILE(4) TILE(5) TILE(6) TILE(7)
#undef TILE
        }
    }
}

static void multiply_float(
    const ck_matrix *w, const ck_activations *x, size_t group_start, size_t group_end,
    output target) {
    switch (w->type) {
    case CK_F32: float_typed(CK_F32, w, x, group_start, group_end, target); break;
    case CK_F16: float_typed(CK_F16, w, x, group_start, group_end, target); break;
    case CK_BF16: float_typed(CK_BF16, w, x, group_start, group_end, target); break;
    }
}

INLINE void widen_typed(
    const uint32_t type, const ck_matrix *matrix, size_t start, size_t count, float *out) {
    size_t group_bytes = 16 * matrix->columns * float_bytes(type);
    for (size_t g = 0; g < count; g++) {
        const char *group = (const char *)matrix->packed + (start + g) * group_bytes;
        for (size_t column = 0; column < matrix->columns; column++) {
            store16(out + (column * count + g) * 16, float_column(type, group, column));
        }
    }
}

static void widen_groups(const ck_matrix *matrix, size_t start, size_t count, float *out) {
    switch (matrix->type) {
    case CK_F32: widen_typed(CK_F32, matrix, start, count, out); break;
    case CK_F16: widen_typed(CK_F16, matrix, start, count, out); break;
    case CK_BF16: widen_typed(CK_BF16, matrix, start, count, out); break;
    }
}

#endif
