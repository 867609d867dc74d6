// SPDX-License-Identifier: Apache-2.0
// AVX2 with the dot product of bytes in its short encoding, which client CPUs without AVX-512 have.
#if defined(__x86_64__)
#pragma clang diagnostic ignored "-Wpsabi"
#define CK_TABLE ck_table_avxvnni
#define CK_LANES 8
#define CK_TILE_ROWS 4
#define CK_FLOAT_ROWS 3
#define CK_HARDWARE_F16 1
#define CK_Q8_OFFSET 128

#include <assert.h>
#include <immintrin.h>

#pragma clang attribute push(                                                                     \
    __attribute__((target("avx2,fma,f16c,avxvnni"))), apply_to = function)

#include "kernels.h"
#include "lanes.h"

typedef v8i dots;

INLINE dots dots_start(int32_t value) { return (v8i)value; }

INLINE dots dots_add(dots sum, v8u w, int32_t a) {
    return (v8i)_mm256_dpbusd_avx_epi32((__m256i)sum, (__m256i)w, _mm256_set1_epi32(a));
}

INLINE dots dots_add_wide(dots sum, v8u w, int32_t a) { return dots_add(sum, w, a); }
INLINE dots dots_flush(dots sum) { return sum; }
INLINE v8i dots_end(dots sum) { return sum; }

/// IQ4_NL's values, with 128 added.
INLINE v8u non_linear_codes(v8u nibbles) {
    __m128i table = _mm_loadu_si128((const __m128i *)ck_non_linear);
    table = _mm_xor_si128(table, _mm_set1_epi8((char)0x80));
    return (v8u)_mm256_shuffle_epi8(_mm256_broadcastsi128_si256(table), (__m256i)nibbles);
}

#include "rows.h"
#include "table.h"

#pragma clang attribute pop
#endif
