// SPDX-License-Identifier: Apache-2.0
// ARMv8.2's dot product of signed bytes; ARM boxes without it use the portable code.
#if defined(__aarch64__)
#define CK_TABLE ck_table_neon
// Two registers of rows: with four, the sums of a tile would not fit the 32 there are.
#define CK_LANES 8
#define CK_TILE_ROWS 4
#define CK_FLOAT_ROWS 3
#define CK_HARDWARE_F16 1
#define CK_Q8_OFFSET 0

#include <arm_neon.h>
#include <assert.h>

#pragma clang attribute push(__attribute__((target("dotprod"))), apply_to = function)

#include "kernels.h"
#include "lanes.h"

typedef v8i dots;

INLINE dots dots_start(int32_t value) { return (v8i)value; }

/// Four products a lane; codes of at most 7 bits are the same signed.
INLINE dots dots_add(dots sum, v8u w, int32_t a) {
    int8x16_t x = vreinterpretq_s8_s32(vdupq_n_s32(a));
    sum.lo = (v4i)vdotq_s32((int32x4_t)sum.lo, (int8x16_t)w.lo, x);
    sum.hi = (v4i)vdotq_s32((int32x4_t)sum.hi, (int8x16_t)w.hi, x);
    return sum;
}

/// 8-bit codes, stored with 128 added.
INLINE dots dots_add_wide(dots sum, v8u w, int32_t a) {
    return dots_add(sum, w ^ 0x80808080u, a);
}

INLINE dots dots_flush(dots sum) { return sum; }
INLINE v8i dots_end(dots sum) { return sum; }

/// IQ4_NL's values, with 128 added.
INLINE v8u non_linear_codes(v8u nibbles) {
    uint8x16_t table = veorq_u8(
        vreinterpretq_u8_s8(vld1q_s8(ck_non_linear)), vdupq_n_u8(0x80));
    v8u codes;
    codes.lo = (v4u)vqtbl1q_u8(table, (uint8x16_t)nibbles.lo);
    codes.hi = (v4u)vqtbl1q_u8(table, (uint8x16_t)nibbles.hi);
    return codes;
}

#include "rows.h"
#include "table.h"

#pragma clang attribute pop
#endif
