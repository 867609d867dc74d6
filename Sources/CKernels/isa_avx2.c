// SPDX-License-Identifier: Apache-2.0
#if defined(__x86_64__)
#pragma clang diagnostic ignored "-Wpsabi"
#define CK_TABLE ck_table_avx2
#define CK_LANES 8
#define CK_TILE_ROWS 4
#define CK_FLOAT_ROWS 3
#define CK_HARDWARE_F16 1
#define CK_Q8_OFFSET 0

#include <assert.h>
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

#include "kernels.h"
#include "lanes.h"

/// Sums of pairs in 16 bits, which hold eight runs of 4-bit codes, four of 5-bit or two of 6-bit
/// codes, and what was flushed from there to 32 bits.
typedef struct {
    __m256i pairs;
    __m256i sum;
} dots;

INLINE dots dots_start(int32_t value) {
    return (dots){_mm256_setzero_si256(), _mm256_set1_epi32(value)};
}

INLINE dots dots_add(dots d, v8u w, int32_t a) {
    __m256i products = _mm256_maddubs_epi16((__m256i)w, _mm256_set1_epi32(a));
    d.pairs = _mm256_add_epi16(d.pairs, products);
    return d;
}

INLINE dots dots_flush(dots d) {
    __m256i fours = _mm256_madd_epi16(d.pairs, _mm256_set1_epi16(1));
    return (dots){_mm256_setzero_si256(), _mm256_add_epi32(d.sum, fours)};
}

/// 8-bit codes, stored with 128 added: |w| times a with w's sign, which fits 16 bits.
INLINE dots dots_add_wide(dots d, v8u w, int32_t a) {
    __m256i code = _mm256_xor_si256((__m256i)w, _mm256_set1_epi8((char)0x80));
    __m256i signed_a = _mm256_sign_epi8(_mm256_set1_epi32(a), code);
    d.pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(code), signed_a);
    return dots_flush(d);
}

INLINE v8i dots_end(dots d) {
    return (v8i)dots_flush(d).sum;
}

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
