// SPDX-License-Identifier: Apache-2.0
// Products with packed quantised weights: lanes are weight rows, blocks are added in order.
//
// The arithmetic, for a weight row and an activation row, where every step is rounded once and is
// the same on each ISA:
//   dot     Σ code · activation code over the columns that share a scale, exact in 32 bits: at most
//           32 · 255 · 127 before the codes' offset is taken off
//   plain types, Q4_K, Q5_K: a block of 32 has one scale; of a K type it is d · scale, as when
//           dequantised:      total = fma(scale · x.scale, dot, total)
//   Q2_K, Q3_K, Q6_K: each half of a block has a scale:
//                             total = fma(fma(scale₁, dot₁, scale₀ · dot₀), x.scale, total)
//   minima, a block at a time: total = fma(minimum, x.moment, total)
//           (less than zero in K types)
//           Q2_K has two of 4 bits, and Σ minimum · half's sum is exact in 32 bits:
//                             total = fma(-d' · x.scale, Σ, total)
#ifndef CK_QUANTISED_PRODUCT_H
#define CK_QUANTISED_PRODUCT_H

#include "codes.h"
#include "output.h"
#include "super_scales.h"

#define ROLLED _Pragma("clang loop unroll(disable)")

/// Groups of a tile at most: two only where as many lanes fit a register.
enum { G_MAX = CK_TILE_ROWS / 4 };

/// Bytes before the codes of a block, or of a super-block.
INLINE size_t header_bytes(uint32_t type) {
    size_t scale_words = !is_super(type) ? 0 : type == CK_Q2_K || type == CK_Q6_K ? 4 : 3;
    return (has_minimum(type) ? 64 : 32) + scale_words * 64;
}

/// Of a block, or of a super-block.
INLINE size_t unit_bytes(uint32_t type) {
    return header_bytes(type) + (is_super(type) ? 8 : 1) * code_bytes(type);
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
    return widen8((const uint16_t *)p);
#endif
}

DEFINE_PUT(put, vf)

INLINE vf as_floats(vi v) { return __builtin_convertvector(v, vf); }

/// Some rows of a panel at the present block. Each code is at a fixed distance from the first: an
/// address of one register, which the CPU keeps together with the product it is an operand of.
typedef struct {
    const int8_t *codes;
    const ck_block *blocks;
} tile_input;

/// What is multiplied at once: activation rows and groups, at most `CK_TILE_ROWS` together.
typedef struct {
    int rows, groups;
} tile_shape;

/// To the next block of a panel of `height` rows. The compiler must not see through it, or it would
/// make one index of all.
INLINE void advance(tile_input *in, size_t height) {
    in->codes += height * CK_BLOCK_COLUMNS;
    in->blocks += height;
    __asm__("" : "+r"(in->codes), "+r"(in->blocks));
}

/// Adds four codes' products to each row's dot with each of G groups.
INLINE void add_run(
    const uint32_t type, const int R, const int G, const v_words *codes, const int8_t *x,
    dots *dot) {
    UNROLL for (int i = 0; i < R * G; i++) {
        int32_t a = load_codes(x + i / G * CK_BLOCK_COLUMNS);
        v_words w = codes[i % G];
        dot[i] = is_wide(type) ? dots_add_wide(dot[i], w, a) : dots_add(dot[i], w, a);
    }
}

/// Whether 16-bit sums of pairs, which hold 32,767, are nearly full after `run` runs of this type.
INLINE bool is_full(uint32_t type, int run) {
    return type == CK_Q6_K ? run == 2 : has_bits(type) && has_nibbles(type) && run == 4;
}

/// Exact Σ code · activation code of one block, for R activation rows and G groups whose codes are
/// `stride` bytes apart: (R, G) sums.
INLINE void block_sums(
    const uint32_t type, const int R, const int G, const uint8_t *codes, size_t stride,
    tile_input in, vi *s) {
    dots dot[CK_TILE_ROWS];
    UNROLL for (int i = 0; i < R * G; i++) {
        dot[i] = dots_start(in.blocks[i / G].start * (code_offset(type) / 8));
    }
    UNROLL for (int run = 0; run < 4; run++) {
        UNROLL for (int half = 0; half < 2; half++) {
            v_words w[G_MAX];
            UNROLL for (int g = 0; g < G; g++) {
                w[g] = run_codes(type, codes + g * stride, half, run);
            }
            add_run(type, R, G, w, in.codes + half * 16 + run * 4, dot);
        }
        if (is_full(type, 2 * run + 2)) {
            UNROLL for (int i = 0; i < R * G; i++) { dot[i] = dots_flush(dot[i]); }
        }
    }
    UNROLL for (int i = 0; i < R * G; i++) { s[i] = dots_end(dot[i]); }
}

/// The same of one half of a block.
INLINE void half_sums(
    const uint32_t type, const int R, const uint8_t *codes, tile_input in, int half, vi *s) {
    dots dot[CK_TILE_ROWS];
    UNROLL for (int r = 0; r < R; r++) {
        int32_t start = in.blocks[r].half_starts[half];
        dot[r] = dots_start(type == CK_Q6_K ? start : start / 32 * code_offset(type));
    }
    UNROLL for (int run = 0; run < 4; run++) {
        v_words w = run_codes(type, codes, half, run);
        add_run(type, R, 1, &w, in.codes + half * 16 + run * 4, dot);
        if (is_full(type, run + 1)) {
            UNROLL for (int r = 0; r < R; r++) { dot[r] = dots_flush(dot[r]); }
        }
    }
    UNROLL for (int r = 0; r < R; r++) { s[r] = dots_end(dot[r]); }
}

/// Adds a block whose weights share a scale; `minimum` is what is added to each of them, and both
/// are of G groups.
INLINE void add_block(
    const uint32_t type, const int R, const int G, const uint8_t *codes, size_t stride,
    const vf *scale, const vf *minimum, tile_input in, vf *total) {
    vi s[CK_TILE_ROWS];
    block_sums(type, R, G, codes, stride, in, s);
    UNROLL for (int i = 0; i < R * G; i++) {
        const ck_block *x = &in.blocks[i / G];
        total[i] = FMA(scale[i % G] * x->scale, as_floats(s[i]), total[i]);
        if (has_minimum(type)) {
            total[i] = FMA(minimum[i % G], (vf)x->moment, total[i]);
        }
    }
}

/// Adds a block whose halves have the next two scales of `quad`, times `d`; the next two minima
/// count -`d_minimum` each.
INLINE void add_halves(
    const uint32_t type, const int R, const uint8_t *codes, vf d, vf d_minimum, scale_quad *quad,
    tile_input in, vf *total) {
    vi s[CK_TILE_ROWS];
    vf first[CK_TILE_ROWS];
    vf scale = d * next_scale(type, &quad->scales);
    half_sums(type, R, codes, in, 0, s);
    UNROLL for (int r = 0; r < R; r++) { first[r] = scale * as_floats(s[r]); }
    scale = d * next_scale(type, &quad->scales);
    half_sums(type, R, codes, in, 1, s);
    UNROLL for (int r = 0; r < R; r++) {
        vf both = FMA(scale, as_floats(s[r]), first[r]);
        total[r] = FMA(both, (vf)in.blocks[r].scale, total[r]);
    }
    if (has_minimum(type)) {
        vi a = (vi)(quad->minima & 0xffu), b = (vi)((quad->minima >> 8) & 0xffu);
        quad->minima >>= 16;
        UNROLL for (int r = 0; r < R; r++) {
            const ck_block *x = &in.blocks[r];
            vi sum = a * (x->half_starts[0] / 32) + b * (x->half_starts[1] / 32);
            total[r] = FMA(d_minimum * x->scale, as_floats(sum), total[r]);
        }
    }
}

/// How far ahead weights are asked for. Farther than the CPU's own prefetcher goes, which also
/// loses the thread where scales are read out of order. On a Zen 5 of 2 cores, 1 thread: Q4_K
/// 20 to 37 GB/s, Q5_K 17 to 37, Q4_0 39 to 47; 8 rows of Q4_0 cost 2.0 times one, not 4.0.
enum { PREFETCH_BYTES = 8192 };

/// Which weights a pass over others asks for: `step` bytes at each block, the first `ahead` of the
/// first block; none if that is 0.
typedef struct {
    size_t ahead, step;
} fetching;

/// Asks for the lines of `bytes` so far ahead of `p`, unless that is 0; past the end of the weights
/// it does nothing. Only those who read weights first need it.
INLINE void prefetch_ahead(size_t ahead, const uint8_t *p, size_t bytes) {
    UNROLL for (size_t i = 0; ahead && i < (bytes + 63) / 64; i++) {
        __builtin_prefetch(p + ahead + i * 64);
    }
}

/// G groups, `stride` bytes apart, (or the half `part` of one, where registers are narrow) times R
/// activation rows: (R, G) totals.
INLINE void plain_tile(
    const uint32_t type, const tile_shape shape, fetching fetch, size_t height,
    const uint8_t *group, size_t stride, size_t block_count, size_t part, tile_input in,
    vf *total) {
    for (size_t b = 0; b < block_count; b++, group += unit_bytes(type)) {
        vf scale[G_MAX], minimum[G_MAX];
        prefetch_ahead(fetch.ahead, group, fetch.step);
        fetch.ahead -= fetch.ahead ? unit_bytes(type) - fetch.step : 0;
        UNROLL for (int g = 0; g < shape.groups; g++) {
            const uint8_t *block = group + g * stride;
            scale[g] = load_scales(block + part * 2 * CK_LANES);
            minimum[g] =
                has_minimum(type) ? load_scales(block + 32 + part * 2 * CK_LANES) : (vf)0;
        }
        const uint8_t *codes = group + header_bytes(type) + part * 4 * CK_LANES;
        add_block(type, shape.rows, shape.groups, codes, stride, scale, minimum, in, total);
        advance(&in, height);
    }
}

/// The same for the K types. The loop over quads stays a loop: flattened, each load instruction
/// strides by a whole super-block, which seems to mislead the CPU's prefetcher. On the same Zen 5,
/// where Q4_0 reads 33 GB/s with 1 thread and 38 with 2: Q4_K 27 and 33 GB/s flattened, 34 and 39
/// as a loop.
INLINE void super_tile(
    const uint32_t type, const tile_shape shape, size_t ahead, size_t height,
    const uint8_t *group, size_t block_count, size_t part, tile_input in, vf *total) {
    const int R = shape.rows;
    const size_t quad_count = has_halves(type) ? 4 : 2, quad_blocks = 8 / quad_count;
    for (size_t b = 0; b < block_count; b += 8, group += unit_bytes(type)) {
        vf d = load_scales(group + part * 2 * CK_LANES);
        vf d_minimum = has_minimum(type) ? load_scales(group + 32 + part * 2 * CK_LANES) : (vf)0;
        prefetch_ahead(ahead, group, header_bytes(type));
        const uint8_t *words = group + (has_minimum(type) ? 64 : 32) + part * 4 * CK_LANES;
        const uint8_t *codes = group + header_bytes(type) + part * 4 * CK_LANES;
        ROLLED for (size_t q = 0; q < quad_count; q++) {
            scale_quad quad = load_quad(type, words, q);
            for (size_t i = 0; i < quad_blocks; i++, codes += code_bytes(type)) {
                prefetch_ahead(ahead, codes, code_bytes(type));
                if (has_halves(type)) {
                    add_halves(type, R, codes, d, d_minimum, &quad, in, total);
                } else {
                    vf scale = d * next_scale(type, &quad.scales);
                    vf minimum = -d_minimum * next_minimum(&quad.minima);
                    add_block(type, R, 1, codes, 0, &scale, &minimum, in, total);
                }
                advance(&in, height);
            }
        }
    }
}

/// Bytes of a group.
INLINE size_t group_stride(uint32_t type, size_t columns) {
    return columns / CK_BLOCK_COLUMNS / (is_super(type) ? 8 : 1) * unit_bytes(type);
}

/// The groups of a shape times its rows, of a panel's those from `first`.
INLINE void quantised_rows(
    const uint32_t type, const tile_shape shape, fetching fetch, const ck_matrix *w,
    const ck_activations *x, size_t group, ck_panel panel, size_t first, output target) {
    const int R = shape.rows, G = shape.groups;
    size_t blocks = x->columns / CK_BLOCK_COLUMNS, row = panel.start + first;
    tile_input in = {
        x->codes + panel.start * x->columns + first * CK_BLOCK_COLUMNS,
        x->blocks + panel.start * blocks + first};
    size_t stride = group_stride(type, x->columns);
    const uint8_t *base = (const uint8_t *)w->packed + group * stride;
    for (size_t part = 0; part < 16 / CK_LANES; part++) {
        size_t column = group * 16 + part * CK_LANES;
        if (column >= w->rows) {
            break;
        }
        vf total[CK_TILE_ROWS];
        UNROLL for (int i = 0; i < R * G; i++) {
            total[i] = 0;
            fetch_target(target, row + (size_t)(i / G), column + (size_t)(i % G) * 16);
        }
        if (is_super(type)) {
            super_tile(type, shape, fetch.ahead, panel.rows, base, blocks, part, in, total);
        } else {
            plain_tile(type, shape, fetch, panel.rows, base, stride, blocks, part, in, total);
        }
        UNROLL for (int i = 0; i < R * G; i++) {
            size_t place = column + (size_t)(i % G) * 16;
            put(target, row + (size_t)(i / G), place, total[i], w->rows - place);
        }
    }
}

/// A group times a panel. Each number of rows has code of its own: seven rows in tiles of 4, 2 and
/// 1, which each unpack the weights again, cost 1.4 times as much as eight.
INLINE void quantised_panel(
    const uint32_t type, size_t ahead, const ck_matrix *w, const ck_activations *x, size_t group,
    ck_panel panel, output target) {
    const fetching fetch = {ahead, unit_bytes(type)};
    size_t first = 0;
    for (; first + CK_TILE_ROWS <= panel.rows; first += CK_TILE_ROWS) {
        const tile_shape shape = {CK_TILE_ROWS, 1};
        quantised_rows(type, shape, fetch, w, x, group, panel, first, target);
    }
    switch (panel.rows - first) {
#define TILE(R)                                                                                   \
    case R:                                                                                       \
        if (R < CK_TILE_ROWS) {                                                                   \
            const tile_shape shape = {R, 1};                                                      \
            quantised_rows(type, shape, fetch, w, x, group, panel, first, target);                \
        }                                                                                         \
        break;
        TILE(1) TILE(2) TILE(3) TILE(4) TILE(5) TILE(6) TILE(7)
#undef TILE
    }
}

/// Whether the first rows, too, are multiplied with pairs of groups, which then come from memory.
/// By the Zen 5 above, 8 rows: Q4_0 688 to 740 GOP/s, but Q4_1 and Q5_0 2 % less and Q8_0 18 %.
INLINE bool pairs_at_first(uint32_t type) { return type == CK_Q4_0; }

/// Whether a pair's last two panels ask for the next pair. By the same Zen 5, from memory: Q8_0 16
/// rows 625 to 693 GOP/s, 32 rows 708 to 749, 64 rows 752 to 772; IQ4_NL 2 % more, Q4_1 2 % less.
INLINE bool fetches_at_last(uint32_t type) { return is_wide(type); }

/// Over how many panels a pair asks for the next one.
INLINE size_t fetching_panels(uint32_t type) {
    return pairs_at_first(type) ? 1 : fetches_at_last(type) ? 2 : 0;
}

/// A pair of groups times a full panel, some rows after the other. The panels that ask for the next
/// pair are counted by `turn`, and each asks for its part; others have a higher one.
INLINE void quantised_pair(
    const uint32_t type, size_t turn, const ck_matrix *w, const ck_activations *x,
    size_t group, ck_panel panel, output target) {
    const tile_shape shape = {CK_TILE_ROWS / G_MAX, G_MAX};
    const size_t turns = fetching_panels(type), divisor = turns ? turns : 1;
    size_t part = group_stride(type, x->columns) / divisor;
    fetching fetch = {turn < turns ? (turns + turn) * G_MAX * part : 0, unit_bytes(type) / divisor};
    for (size_t first = 0; first < CK_PANEL_ROWS; first += CK_TILE_ROWS / G_MAX) {
        quantised_rows(type, shape, fetch, w, x, group, panel, first, target);
        fetch.ahead += fetch.ahead ? part : 0;
    }
}

/// Rows from `row` to before `end` times groups, each of which stays in the near caches meanwhile;
/// `is_fetched`: the groups have been asked for.
/// Full panels have loops of their own, as the compiler otherwise prepares every number of rows
/// for each of them: 64 rows of Q4_0 by AVX-512 then take 1.15 times as long. The first has its
/// own, too: a test in each block, whether to fetch, costs 8 rows of Q4_K 6 %.
INLINE void quantised_groups(
    const uint32_t type, const ck_matrix *w, const ck_activations *x, size_t group, size_t count,
    bool is_fetched, size_t row, size_t end, output target) {
    const bool pairs = G_MAX > 1 && count > 1;
    if (row + CK_PANEL_ROWS <= end && !(pairs && (pairs_at_first(type) || is_fetched))) {
        for (size_t i = 0; i < count; i++) {
            ck_panel panel = {row, CK_PANEL_ROWS};
            quantised_panel(type, PREFETCH_BYTES, w, x, group + i, panel, target);
        }
        row += CK_PANEL_ROWS;
    }
    for (size_t start = row; row + CK_PANEL_ROWS <= end; row += CK_PANEL_ROWS) {
        ck_panel panel = {row, CK_PANEL_ROWS};
        if (pairs) {
            size_t turn = (row - start) / CK_PANEL_ROWS, left = (end - row) / CK_PANEL_ROWS;
            quantised_pair(
                type, fetches_at_last(type) ? fetching_panels(type) - left : turn, w, x, group,
                panel, target);
        } else {
            quantised_panel(type, 0, w, x, group, panel, target);
        }
    }
    for (size_t i = 0; row < end && i < count; i++) {
        ck_panel panel = {row, end - row};
        quantised_panel(type, PREFETCH_BYTES, w, x, group + i, panel, target);
    }
}

/// All rows by groups: up to 128 rows pass over one group, or a pair, before the next.
INLINE void quantised_typed(
    const uint32_t type, const ck_matrix *w, const ck_activations *x, size_t group_start,
    size_t group_end, output target) {
    const size_t most = G_MAX > 1 && !is_super(type) && ck_pairs_groups ? G_MAX : 1;
    for (size_t start = 0; start < x->rows; start += 128) {
        size_t end = x->rows < start + 128 ? x->rows : start + 128, count;
        for (size_t group = group_start; group < group_end; group += count) {
            count = group_end - group < most ? 1 : most;
            bool is_fetched = fetches_at_last(type) && group > group_start &&
                              end - start >= fetching_panels(type) * CK_PANEL_ROWS;
            quantised_groups(type, w, x, group, count, is_fetched, start, end, target);
        }
    }
}

/// A function of its own for each type: one that holds them all takes the compiler minutes.
#define QUANTISED(type)                                                                           \
    static __attribute__((noinline)) void multiply_##type(                                        \
        const ck_matrix *w, const ck_activations *x, size_t group_start, size_t group_end,        \
        output target) {                                                                          \
        quantised_typed(CK_##type, w, x, group_start, group_end, target);                         \
    }

#define EACH_QUANTISED(X)                                                                         \
    X(Q4_0) X(Q4_1) X(Q5_0) X(Q5_1) X(Q8_0) X(Q2_K) X(Q3_K) X(Q4_K) X(Q5_K) X(Q6_K) X(IQ4_NL)

EACH_QUANTISED(QUANTISED)

static void multiply_quantised(
    const ck_matrix *w, const ck_activations *x, size_t group_start, size_t group_end,
    output target) {
    switch (w->type) {
#define CASE(type)                                                                                \
    case CK_##type: multiply_##type(w, x, group_start, group_end, target); break;
        EACH_QUANTISED(CASE)
#undef CASE
    }
}

#endif
