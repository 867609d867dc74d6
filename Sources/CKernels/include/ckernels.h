// SPDX-License-Identifier: Apache-2.0
// The C kernels: SIMD code chosen at run time by CPU detection.
//
// Every kernel that takes a `ck_isa` gives the same bits on each of them, and computes an output
// element by the same sequence of floating-point operations whatever else is in the batch.
#ifndef CKERNELS_H
#define CKERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// The instruction sets that kernels exist for, slowest first; NEON with its dot products.
typedef enum { CK_PORTABLE, CK_AVX2, CK_AVXVNNI, CK_AVX512VNNI, CK_NEON } ck_isa;

/// Whether this CPU and this build can run the kernels of `isa`.
bool ck_isa_supported(ck_isa isa);

/// The value of `CARAVAN_ISA` in the environment, or NULL.
const char *ck_forced_isa(void);

/// GGUF's numbers of the element types that can be packed.
enum {
    CK_F32 = 0, CK_F16 = 1, CK_BF16 = 30,
    CK_Q4_0 = 2, CK_Q4_1 = 3, CK_Q5_0 = 6, CK_Q5_1 = 7, CK_Q8_0 = 8, CK_IQ4_NL = 20,
    CK_Q2_K = 10, CK_Q3_K = 11, CK_Q4_K = 12, CK_Q5_K = 13, CK_Q6_K = 14,
};

/// Rows of one packed group: the lanes of the kernels. Rows of a panel: see `ck_activations`.
enum { CK_GROUP_ROWS = 16, CK_PANEL_ROWS = 8 };
/// Columns that share one scale, and columns of a super-block of the K types.
enum { CK_BLOCK_COLUMNS = 32, CK_SUPER_COLUMNS = 256 };
/// Keys of one block of the KV cache, (row, head) pairs of one `ck_attend`, and the largest head.
enum { CK_KEY_BLOCK = 32, CK_QUERIES_MAX = 16, CK_HEAD_SIZE_MAX = 256 };

// MARK: Weights

/// A weight matrix `(rows, columns)` in groups of 16 rows; missing rows of the last group are zero.
///
/// A group of a quantised type is `columns / 32` blocks, each: 16 f16 scales, (16 f16 minima,)
/// (64 bytes of fifth bits,) then 64-byte runs that cover 16 rows × 4 consecutive weights.
/// In a run of nibbles `i` the low ones are weights `4i..`, the high ones weights `16 + 4i..`.
/// A group of a K type is `columns / 256` super-blocks: 16 f16 scales, (16 f16 minima,) runs of
/// the sub-blocks' scales as the file has them, then 8 blocks as above; see super_layout.h.
/// A group of a float type is `(columns, 16)` elements of that type.
typedef struct {
    const void *packed;
    uint32_t type;
    size_t rows, columns;
} ck_matrix;

/// Bytes of one packed group of 16 rows; 0 for an unknown type.
size_t ck_group_bytes(uint32_t type, size_t columns);

/// Packs groups `group_start..<group_end` of a row-major GGUF matrix; `packed` is the first byte of
/// the whole packed matrix.
void ck_pack(
    uint32_t type, const void *source, size_t rows, size_t columns, size_t group_start,
    size_t group_end, void *packed);

/// The values of `count` stored elements (a multiple of the type's block).
void ck_dequantise(uint32_t type, const void *source, size_t count, float *out);
/// The values of one row of a packed matrix; the same bits as `ck_dequantise` of the source row.
void ck_unpack_row(const ck_matrix *matrix, size_t row, float *out);

/// Groups of a packed float matrix as f32 in the shape `(columns, 16 * group_count)`.
void ck_widen_groups(
    ck_isa isa, const ck_matrix *matrix, size_t group_start, size_t group_count, float *out);

// MARK: Matrix products

/// What belongs to 32 codes of activations. The moment, scale · sum, is what a weight block's
/// minimum is multiplied with. Products start from the others where weights' codes have an offset:
/// -8 · the sum of the codes, and -32 · that of the first 16 and of the last 16.
typedef struct {
    float scale, moment;
    int32_t start, half_starts[2];
} ck_block;

/// The rows that a weight matrix is multiplied with: `values` (rows, columns) by float weights,
/// codes in -127...127 and their blocks by quantised ones.
///
/// Codes and blocks are in panels: of 8 rows as long as there are so many, then of the rest. A
/// panel is (columns / 32, its rows, 32) codes, and (columns / 32, its rows) blocks.
typedef struct {
    size_t rows, columns;
    const float *values;
    const int8_t *codes;
    const ck_block *blocks;
} ck_activations;

/// A panel's first row, and how many it has.
typedef struct { size_t start, rows; } ck_panel;
/// The panel of `row`, one of `row_count`.
ck_panel ck_panel_of(size_t row, size_t row_count);

/// Quantises `count` values (a multiple of 32) to blocks of 32 codes, `stride` blocks apart.
///
/// scale = max |x| / 127, code = x / scale rounded to the nearest, ties to even.
void ck_quantise(
    ck_isa isa, const float *values, size_t count, size_t stride, int8_t *codes, ck_block *blocks);

/// out[r * out_stride + w] = Σ weights[w] · x[r] for the rows w of groups from `group_start` to
/// before `group_end`, or that added to what was there.
void ck_multiply(
    ck_isa isa, const ck_matrix *weights, const ck_activations *x, size_t group_start,
    size_t group_end, float *out, size_t out_stride, bool accumulate);

// MARK: Rows

/// out = x / sqrt(mean(x²) + epsilon) · weight
void ck_rms_norm(
    ck_isa isa, const float *x, const float *weight, size_t count, float epsilon, float *out);

/// gate = gate / (1 + exp(-gate)) · up
void ck_swiglu(ck_isa isa, float *gate, const float *up, size_t count);

/// Frequencies base^(-2i/dimensions), i in 0..<dimensions/2, divided by factors[i] if given.
void ck_rope_frequencies(float base, size_t dimensions, const float *factors, float *out);

/// The table of one position for `ck_rope`: cosines then signed sines, each `2 * pair_count` long.
void ck_rope_table(double position, const float *frequencies, size_t pair_count, float *out);

/// Rotates the adjacent pairs (2i, 2i+1) of the first `dimensions` elements of each head in place.
void ck_rope(
    ck_isa isa, float *heads, size_t head_count, size_t head_size, size_t dimensions,
    const float *table);

// MARK: Attention

/// How the cache holds elements: as f16, or as 8-bit codes with an f16 scale for every 32.
enum { CK_KV_F16 = 1, CK_KV_Q8 = 2 };

/// Bytes of one block, `CK_KEY_BLOCK` positions of one head; kv_block.h has its layout.
size_t ck_kv_block_bytes(uint32_t type, size_t head_size);
/// Writes position `index` of a block, clamped to the finite range of f16.
void ck_store_kv(
    ck_isa isa, uint32_t type, const float *key, const float *value, size_t head_size,
    size_t index, void *block);

/// Consecutive positions of one sequence and consecutive query heads that share one KV head.
typedef struct ck_attention {
    /// The KV head's first block in page 0; `page_bytes` further is that in page 1.
    const void *pool;
    /// The sequence's pages, each with `page_blocks` blocks of the head in a row.
    const uint32_t *pages;
    size_t page_bytes, page_blocks;
    uint32_t kv_type;
    float scale;
    size_t head_size, row_count, head_count;
    /// Keys that the first row sees; each later row sees one more.
    size_t first_length;
    /// (row_count, head_count, head_size), rows `query_stride` floats apart.
    const float *queries;
    float *out;
    size_t query_stride, out_stride;
    /// (segments, row_count, head_count, ck_partial_length); not for `ck_attend`.
    float *partials;
    /// What is likely to be attended to next, or NULL: its first keys are fetched meanwhile.
    const struct ck_attention *next;
} ck_attention;

/// out = softmax(query · keys · scale) · values for at most `CK_QUERIES_MAX` (row, head) pairs.
void ck_attend(ck_isa isa, const ck_attention *attention);
/// The same bits in two parts: partials of segments, in any order, then what all of them give.
void ck_attend_segments(
    ck_isa isa, const ck_attention *attention, size_t segment_start, size_t segment_end);
void ck_combine_segments(ck_isa isa, const ck_attention *attention);
size_t ck_partial_length(size_t head_size);
/// Segments are fixed by position: where one begins, and how many the keys `0..<length` are in.
size_t ck_segment_start(size_t segment);
size_t ck_segment_count(size_t length);

// MARK: Predictions

/// One row's logits, and what is known of their parts, each of 256 but for the last.
enum { CK_LOGIT_PART = 256 };
typedef struct {
    const float *values;
    size_t count;
    float *largest, *sums;
} ck_logits;

/// Of the parts `first..<end` the largest logit and Σ exp(logit - largest). NaN, and what is below
/// -3e38, counts as that.
void ck_logit_parts(ck_isa isa, const ck_logits *logits, size_t first, size_t end);
/// log Σ exp(logits) of all parts, NaN counting as -infinity; -infinity if nothing is finite.
float ck_log_sum_exp(ck_isa isa, const ck_logits *logits);
/// The `top` (≤ count) largest, descending, equal ones by ascending id; NaN is -infinity. Of the
/// parts their `largest` must be known.
void ck_top(const ck_logits *logits, size_t top, uint32_t *ids, float *values);

// MARK: Conversions

void ck_widen_f16(ck_isa isa, const uint16_t *in, size_t count, float *out);
void ck_narrow_f16(ck_isa isa, const float *in, size_t count, uint16_t *out);

#endif
