// SPDX-License-Identifier: Apache-2.0
// The scalar reference: plain C in the same order of operations, for any CPU.
#pragma clang diagnostic ignored "-Wpsabi"
#define CK_TABLE ck_table_portable
#define CK_LANES 16
#define CK_TILE_ROWS 4
#define CK_FLOAT_ROWS 3
#define CK_Q8_OFFSET 128

#include "kernels.h"
#include "lanes.h"

typedef v16i dots;

INLINE dots dots_start(int32_t value) { return (v16i)value; }

/// Adds four products a lane: unsigned bytes of `w` times the signed bytes of `a`.
INLINE dots dots_add(dots sum, v16u w, int32_t a) {
    for (int k = 0; k < 4; k++) {
        v16u byte = (w >> (8 * k)) & 0xffu;
        sum += ((v16i)(byte)) * (int32_t)(int8_t)(a >> (8 * k));
    }
    return sum;
}

INLINE dots dots_add_wide(dots sum, v16u w, int32_t a) { return dots_add(sum, w, a); }
INLINE dots dots_flush(dots sum) { return sum; }
INLINE v16i dots_end(dots sum) { return sum; }

/// IQ4_NL's values, with 128 added. A call, since it is long and appears often.
static __attribute__((noinline)) v16u non_linear_codes(v16u nibbles) {
    v16u codes = 0;
    for (int k = 0; k < 4; k++) {
        for (int lane = 0; lane < 16; lane++) {
            uint32_t code = (uint8_t)(ck_non_linear[(nibbles[lane] >> (8 * k)) & 15] + 128);
            codes[lane] |= code << (8 * k);
        }
    }
    return codes;
}

#include "rows.h"
#include "table.h"
