// SPDX-License-Identifier: Apache-2.0
// Sixteen lanes of arithmetic, the same operations on every ISA. Included once per ISA file, under
// its target attribute; the compiler splits a vector where registers are narrower, which changes no
// bit because every operation here is lane by lane and IEEE-exact.
#ifndef CK_LANES_H
#define CK_LANES_H

#include <stddef.h>
#include <stdint.h>

typedef float v16f __attribute__((ext_vector_type(16)));
typedef int32_t v16i __attribute__((ext_vector_type(16)));
typedef uint32_t v16u __attribute__((ext_vector_type(16)));
typedef uint16_t v16h __attribute__((ext_vector_type(16)));
typedef int8_t v16b __attribute__((ext_vector_type(16)));
typedef float v8f __attribute__((ext_vector_type(8)));
typedef int32_t v8i __attribute__((ext_vector_type(8)));
typedef uint32_t v8u __attribute__((ext_vector_type(8)));
typedef uint16_t v8h __attribute__((ext_vector_type(8)));
typedef float v4f __attribute__((ext_vector_type(4)));
typedef int32_t v4i __attribute__((ext_vector_type(4)));
typedef uint32_t v4u __attribute__((ext_vector_type(4)));

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")
#define FMA(a, b, c) __builtin_elementwise_fma((a), (b), (c))

INLINE v16f load16(const float *p) {
    v16f v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
}

INLINE void store16(float *p, v16f v) { __builtin_memcpy(p, &v, sizeof v); }

/// The first `count` (< 16) lanes from memory, the others zero.
INLINE v16f load_part(const float *p, size_t count) {
    v16f v = 0;
    __builtin_memcpy(&v, p, count * sizeof(float));
    return v;
}

INLINE void store_part(float *p, v16f v, size_t count) {
    __builtin_memcpy(p, &v, count * sizeof(float));
}

/// Sum over the lanes by halves: the one order of reduction.
INLINE float sum16(v16f v) {
    v8f a = v.lo + v.hi;
    v4f b = a.lo + a.hi;
    return (b.x + b.z) + (b.y + b.w);
}

INLINE v16f max16(v16f a, v16f b) { return a > b ? a : b; }

INLINE float top16(v16f v) {
    v8f a = v.lo > v.hi ? v.lo : v.hi;
    v4f b = a.lo > a.hi ? a.lo : a.hi;
    float c = b.x > b.z ? b.x : b.z;
    float d = b.y > b.w ? b.y : b.w;
    return c > d ? c : d;
}

/// exp(x), within 2 units in the last place; 0 below -87.3, and at most exp(88.37).
///
/// Reduction by ln 2 in two parts and the degree-7 polynomial of Cephes' expf.
INLINE v16f exp16(v16f x) {
    const float magic = 12582912.0f;
    v16f y = x > -88.0f ? x : (v16f)-88.0f;
    y = y < 88.37f ? y : (v16f)88.37f;
    v16f t = FMA(y, (v16f)1.44269504f, (v16f)magic);
    v16f n = t - magic;
    v16f r = FMA(n, (v16f)-0.693359375f, y);
    r = FMA(n, (v16f)2.12194440e-4f, r);
    v16f p = 1.9875691500e-4f;
    p = FMA(p, r, (v16f)1.3981999507e-3f);
    p = FMA(p, r, (v16f)8.3334519073e-3f);
    p = FMA(p, r, (v16f)4.1665795894e-2f);
    p = FMA(p, r, (v16f)1.6666665459e-1f);
    p = FMA(p, r, (v16f)5.0000001201e-1f);
    p = FMA(p, r * r, r) + 1.0f;
    v16i exponent = (((v16i)(t)) - 0x4B400000 + 127) << 23;
    v16f result = p * ((v16f)(exponent));
    return x < -87.3f ? (v16f)0.0f : result;
}

#if defined(CK_HARDWARE_F16) && defined(__x86_64__)
#include <immintrin.h>

INLINE v8f widen8(const uint16_t *p) {
    return (v8f)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
}

INLINE v8h narrow8(v8f x) {
    return (v8h)_mm256_cvtps_ph((__m256)x, _MM_FROUND_TO_NEAREST_INT);
}
#elif defined(CK_HARDWARE_F16)
#include <arm_neon.h>

INLINE v8f widen8(const uint16_t *p) {
    float16x8_t halves = vreinterpretq_f16_u16(vld1q_u16(p));
    v8f v;
    v.lo = (v4f)vcvt_f32_f16(vget_low_f16(halves));
    v.hi = (v4f)vcvt_high_f32_f16(halves);
    return v;
}

INLINE v8h narrow8(v8f x) {
    float16x4_t low = vcvt_f16_f32((float32x4_t)x.lo);
    return (v8h)vreinterpretq_u16_f16(vcvt_high_f16_f32(low, (float32x4_t)x.hi));
}
#endif

INLINE v16f widen16(const uint16_t *p) {
#if CK_LANES == 16 && defined(CK_HARDWARE_F16)
    return (v16f)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
#elif defined(CK_HARDWARE_F16)
    v16f v;
    v.lo = widen8(p);
    v.hi = widen8(p + 8);
    return v;
#else
    v16h h;
    __builtin_memcpy(&h, p, sizeof h);
    v16u u = __builtin_convertvector(h, v16u);
    v16u sign = (u & 0x8000u) << 16;
    v16u magnitude = u & 0x7fffu;
    v16u normal = (magnitude << 13) + (112u << 23);
    v16u special = (magnitude << 13) + (224u << 23);
    special = magnitude > 0x7c00u ? special | 0x400000u : special;
    v16f tiny = __builtin_convertvector(magnitude, v16f) * 0x1p-24f;
    v16u bits = magnitude >= 0x7c00u ? special : normal;
    bits = magnitude < 0x400u ? ((v16u)(tiny)) : bits;
    return ((v16f)(bits | sign));
#endif
}

/// To f16, nearest even, clamped to ±65504.
INLINE v16h narrow16(v16f x) {
    x = x > 65504.0f ? (v16f)65504.0f : x;
    x = x < -65504.0f ? (v16f)-65504.0f : x;
#if CK_LANES == 16 && defined(CK_HARDWARE_F16)
    return (v16h)_mm512_cvtps_ph((__m512)x, _MM_FROUND_TO_NEAREST_INT);
#elif defined(CK_HARDWARE_F16)
    v16h v;
    v.lo = narrow8(x.lo);
    v.hi = narrow8(x.hi);
    return v;
#else
    v16u u = ((v16u)(x));
    v16u sign = (u >> 16) & 0x8000u;
    v16u magnitude = u & 0x7fffffffu;
    v16f shifted = ((v16f)(magnitude)) + 0.5f;
    v16u tiny = ((v16u)(shifted)) - 0x3f000000u;
    v16u odd = (magnitude >> 13) & 1u;
    v16u normal = (magnitude - (112u << 23) + 0xfffu + odd) >> 13;
    v16u bits = magnitude < 0x38800000u ? tiny : normal;
    v16u nan = 0x7e00u | ((magnitude >> 13) & 0x1ffu);
    bits = magnitude > 0x7f800000u ? nan : bits;
    return __builtin_convertvector(bits | sign, v16h);
#endif
}

#endif
