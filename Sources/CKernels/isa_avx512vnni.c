// SPDX-License-Identifier: Apache-2.0
#if defined(__x86_64__)
#pragma clang diagnostic ignored "-Wpsabi"
#define CK_TABLE ck_table_avx512vnni
#define CK_LANES 16
#define CK_TILE_ROWS 8
#define CK_FLOAT_ROWS 8
#define CK_HARDWARE_F16 1
#define CK_Q8_OFFSET 128

#include <assert.h>
#include <immintrin.h>

#pragma clang attribute push(                                                                     \
    __attribute__((target("avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni"))),       \
    apply_to = function)

#include "kernels.h"
#include "lanes.h"

typedef v16i dots;

INLINE dots dots_start(int32_t value) { return (v16i)value; }

INLINE dots dots_add(dots sum, v16u w, int32_t a) {
    return (v16i)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)w, _mm512_set1_epi32(a));
}

INLINE dots dots_add_wide(dots sum, v16u w, int32_t a) { return dots_add(sum, w, a); }
INLINE dots dots_flush(dots sum) { return sum; }
INLINE v16i dots_end(dots sum) { return sum; }

/// IQ4_NL's values, with 128 added.
INLINE v16u non_linear_codes(v16u nibbles) {
    __m128i table = _mm_loadu_si128((const __m128i *)ck_non_linear);
    table = _mm_xor_si128(table, _mm_set1_epi8((char)0x80));
    return (v16u)_mm512_shuffle_epi8(_mm512_broadcast_i32x4(table), (__m512i)nibbles);
}

#include "rows.h"
#include "table.h"

#pragma clang attribute pop
#endif
