// SPDX-License-Identifier: Apache-2.0
// Everything one ISA file is made of. Before including it the file defines CK_TABLE (the table's
// name), CK_LANES (8 or 16 rows in one integer register), CK_TILE_ROWS (4 or 8 rows of activations
// that are multiplied at once, as far as the registers go), CK_FLOAT_ROWS (the same for float
// weights, of which each row takes 32 sums) and the dot products of its ISA.
#include "attention.h"
#include "float_product.h"
#include "quantised_product.h"
#include "rows.h"

static void multiply(
    const ck_matrix *weights, const ck_activations *x, size_t group_start, size_t group_end,
    float *out, size_t out_stride, bool accumulate) {
    output target = {out, out_stride, accumulate};
    if (weights->type == CK_F32 || weights->type == CK_F16 || weights->type == CK_BF16) {
        multiply_float(weights, x, group_start, group_end, target);
    } else {
        multiply_quantised(weights, x, group_start, group_end, target);
    }
}

const ck_table CK_TABLE = {
    .widen_groups = widen_groups,
    .quantise = quantise,
    .multiply = multiply,
    .rms_norm = rms_norm,
    .swiglu = swiglu,
    .rope = rope,
    .store_kv = store_kv,
    .attend = attend,
    .combine_segments = combine_segments,
    .logit_parts = logit_parts,
    .log_sum_exp = log_sum_exp,
    .widen_f16 = widen_f16,
    .narrow_f16 = narrow_f16,
};
