// SPDX-License-Identifier: Apache-2.0
// The scalar reference: plain C in the same order of operations, for any CPU.
#pragma clang diagnostic ignored "-Wpsabi"
#define CK_TABLE ck_table_portable
#define CK_LANES 16
#define CK_Q8_OFFSET 128

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

#include "rows.h"
#include "table.h"
