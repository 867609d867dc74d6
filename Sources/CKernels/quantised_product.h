// SPDX-License-Identifier: Apache-2.0
// Products with packed quantised weights: lanes are weight rows, blocks are added in order.
#ifndef CK_QUANTISED_PRODUCT_H
#define CK_QUANTISED_PRODUCT_H

#include "kernels.h"
#include "lanes.h"
#include "output.h"

#if CK_LANES == 16
typedef v16f vf;
typedef v16i vi;
#define TILE_ROWS 8
#else
typedef v8f vf;
typedef int32_t vi __attribute__((ext_vector_type(8)));
#define TILE_ROWS 4
#endif
typedef uint32_t v_words __attribute__((ext_vector_type(CK_LANES)));

#define UNROLL _Pragma("clang loop unroll(full)")

INLINE bool has_minimum(uint32_t type) { return type == CK_Q4_1 || type == CK_Q5_1; }
INLINE bool has_fifth_bit(uint32_t type) { return type == CK_Q5_0 || type == CK_Q5_1; }

INLINE size_t block_bytes(uint32_t type) {
    return type == CK_Q8_0 ? 32 + 512
                           : (has_minimum(type) ? 64 : 32) + (has_fifth_bit(type) ? 64 : 0) + 256;
}

/// What has to be taken off each stored code.
INLINE int code_offset(uint32_t type) {
    return type == CK_Q4_0 ? 8 : type == CK_Q5_0 ? 16 : type == CK_Q8_0 ? CK_Q8_OFFSET : 0;
}

INLINE v_words load_words(const uint8_t *p) {
    v_words v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
}

INLINE int32_t load_codes(const int8_t *p) {
    int32_t v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
}

INLINE vf load_scales(const uint8_t *p) {
#if CK_LANES == 16
    return widen16((const uint16_t *)p);
#else
    return (vf)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
#endif
}

/// The fifth bits of run `run` (4 weights a row), moved to bit 4 of each byte.
INLINE v_words fifth_bits(v_words plane, int run) {
    return (run < 4 ? plane << (4 - run) : plane >> (run - 4)) & 0x10101010u;
}

typedef struct {
    const int8_t *codes;
    size_t code_stride;
    const float *scales;
    const int32_t *sums;
    size_t block_stride;
} tile_input;

/// Exact Σ code · activation code of one block, for R activation rows.
INLINE void block_sums(
    const uint32_t type, const int R, const uint8_t *quants, tile_input in, size_t block, vi *s) {
    const int8_t *codes = in.codes + block * 32;
    const uint8_t *runs = quants + (has_fifth_bit(type) ? 64 : 0);
    const v_words mask = 0x0f0f0f0fu;
    dots dot[TILE_ROWS];
    UNROLL for (int r = 0; r < R; r++) {
        dot[r] = dots_start(-code_offset(type) * in.sums[(size_t)r * in.block_stride + block]);
    }
    if (type == CK_Q8_0) {
        UNROLL for (int run = 0; run < 8; run++) {
            v_words w = load_words(runs + run * 64);
            UNROLL for (int r = 0; r < R; r++) {
                int32_t a = load_codes(codes + (size_t)r * in.code_stride + run * 4);
                dot[r] = dots_add_wide(dot[r], w, a);
            }
        }
    } else {
        v_words plane = has_fifth_bit(type) ? load_words(quants) : (v_words)0;
        UNROLL for (int run = 0; run < 4; run++) {
            v_words both = load_words(runs + run * 64);
            v_words low = both & mask;
            v_words high = (both >> 4) & mask;
            if (has_fifth_bit(type)) {
                low |= fifth_bits(plane, run);
                high |= fifth_bits(plane, run + 4);
            }
            UNROLL for (int r = 0; r < R; r++) {
                const int8_t *a = codes + (size_t)r * in.code_stride + run * 4;
                dot[r] = dots_add(dot[r], low, load_codes(a));
                dot[r] = dots_add(dot[r], high, load_codes(a + 16));
            }
            if (has_fifth_bit(type) && run == 1) {
                UNROLL for (int r = 0; r < R; r++) { dot[r] = dots_flush(dot[r]); }
            }
        }
    }
    UNROLL for (int r = 0; r < R; r++) { s[r] = dots_end(dot[r]); }
}

/// One group (or the half `part` of it, where registers are narrow) times R activation rows.
INLINE void quantised_tile(
    const uint32_t type, const int R, const uint8_t *group, size_t block_count, size_t part,
    tile_input in, vf *total) {
    UNROLL for (int r = 0; r < R; r++) { total[r] = 0; }
    const uint8_t *block = group;
    for (size_t b = 0; b < block_count; b++, block += block_bytes(type)) {
        vi s[TILE_ROWS];
        const uint8_t *quants = block + (has_minimum(type) ? 64 : 32) + part * 4 * CK_LANES;
        block_sums(type, R, quants, in, b, s);
        vf scale = load_scales(block + part * 2 * CK_LANES);
        vf minimum = has_minimum(type) ? load_scales(block + 32 + part * 2 * CK_LANES) : (vf)0;
        UNROLL for (int r = 0; r < R; r++) {
            size_t at = (size_t)r * in.block_stride + b;
            float d = in.scales[at];
            total[r] = FMA(scale * d, __builtin_convertvector(s[r], vf), total[r]);
            if (has_minimum(type)) {
                total[r] = FMA(minimum * d, (vf)(float)in.sums[at], total[r]);
            }
        }
    }
}

INLINE void quantised_rows(
    const uint32_t type, const int R, const ck_matrix *w, const ck_activations *x, size_t group,
    size_t row, output target) {
    size_t blocks = x->columns / 32;
    tile_input in = {
        x->codes + row * x->columns, x->columns, x->scales + row * blocks, x->sums + row * blocks,
        blocks};
    const uint8_t *base = (const uint8_t *)w->packed + group * blocks * block_bytes(type);
    for (size_t part = 0; part < 16 / CK_LANES; part++) {
        size_t column = group * 16 + part * CK_LANES;
        if (column >= w->rows) {
            break;
        }
        vf total[TILE_ROWS];
        quantised_tile(type, R, base, blocks, part, in, total);
        UNROLL for (int r = 0; r < R; r++) {
            float results[CK_LANES];
            __builtin_memcpy(results, &total[r], sizeof results);
            put(target, row + (size_t)r, column, results, CK_LANES, w->rows - column);
        }
    }
}

/// All rows by groups; a group stays in the first-level cache while up to 128 rows pass over it.
INLINE void quantised_typed(
    const uint32_t type, const ck_matrix *w, const ck_activations *x, size_t group_start,
    size_t group_end, output target) {
    for (size_t start = 0; start < x->rows; start += 128) {
        size_t end = x->rows < start + 128 ? x->rows : start + 128;
        for (size_t group = group_start; group < group_end; group++) {
            size_t row = start;
            for (; row + TILE_ROWS <= end; row += TILE_ROWS) {
                quantised_rows(type, TILE_ROWS, w, x, group, row, target);
            }
#if TILE_ROWS > 4
            for (; row + 4 <= end; row += 4) {
                quantised_rows(type, 4, w, x, group, row, target);
            }
#endif
            for (; row + 2 <= end; row += 2) {
                quantised_rows(type, 2, w, x, group, row, target);
            }
            for (; row < end; row++) {
                quantised_rows(type, 1, w, x, group, row, target);
            }
        }
    }
}

static void multiply_quantised(
    const ck_matrix *w, const ck_activations *x, size_t group_start, size_t group_end,
    output target) {
    switch (w->type) {
    case CK_Q4_0: quantised_typed(CK_Q4_0, w, x, group_start, group_end, target); break;
    case CK_Q4_1: quantised_typed(CK_Q4_1, w, x, group_start, group_end, target); break;
    case CK_Q5_0: quantised_typed(CK_Q5_0, w, x, group_start, group_end, target); break;
    case CK_Q5_1: quantised_typed(CK_Q5_1, w, x, group_start, group_end, target); break;
    case CK_Q8_0: quantised_typed(CK_Q8_0, w, x, group_start, group_end, target); break;
    }
}

#endif
