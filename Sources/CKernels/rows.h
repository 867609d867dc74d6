// SPDX-License-Identifier: Apache-2.0
// Kernels over one row: conversions, quantisation, norm, rotation, gate, log-sum-exp.
#ifndef CK_ROWS_H
#define CK_ROWS_H

#include "kernels.h"
#include "lanes.h"

#include "numbers.h"

static void widen_f16(const uint16_t *in, size_t count, float *out) {
    size_t i = 0;
    for (; i + 16 <= count; i += 16) {
        store16(out + i, widen16(in + i));
    }
    if (i < count) {
        uint16_t part[16] = {0};
        __builtin_memcpy(part, in + i, (count - i) * sizeof(uint16_t));
        store_part(out + i, widen16(part), count - i);
    }
}

static void narrow_f16(const float *in, size_t count, uint16_t *out) {
    size_t i = 0;
    for (; i + 16 <= count; i += 16) {
        v16h h = narrow16(load16(in + i));
        __builtin_memcpy(out + i, &h, sizeof h);
    }
    if (i < count) {
        v16h h = narrow16(load_part(in + i, count - i));
        __builtin_memcpy(out + i, &h, (count - i) * sizeof(uint16_t));
    }
}

/// Codes of 16 values; rounding by adding 1.5 · 2²³, which defines NaN and infinity too.
INLINE v16i codes16(v16f x, float inverse) {
    v16f t = FMA(x, (v16f)inverse, (v16f)12582912.0f);
    return ((v16i)(t)) - 0x4B400000;
}

/// The largest magnitude of 32 values; NaN where one of them is: as integers it is above them all.
INLINE float largest_magnitude(v16f a, v16f b) {
    const v16i mask = 0x7fffffff;
    v16i magnitudes_a = (v16i)a & mask, magnitudes_b = (v16i)b & mask;
    int32_t bits =
        __builtin_reduce_max(magnitudes_a > magnitudes_b ? magnitudes_a : magnitudes_b);
    float largest;
    __builtin_memcpy(&largest, &bits, sizeof largest);
    return largest;
}

/// Up to 16 blocks. What holds no number has no scale that is one: products with it are none, which
/// is noticed, where codes of zero would be taken for an answer.
///
/// One step of all blocks after the other: a block's own steps wait for each other.
INLINE void quantise_blocks(
    const float *values, size_t count, size_t stride, int8_t *codes, ck_block *blocks) {
    float largest[16] = {0}, inverses[16], scales[16];
    for (size_t i = 0; i < count; i++) {
        largest[i] = largest_magnitude(load16(values + i * 32), load16(values + i * 32 + 16));
    }
    v16f tops = load16(largest);
    store16(inverses, tops > 1e-30f ? 127.0f / tops : (v16f)0.0f);
    store16(scales, tops <= 1e-30f ? (v16f)0.0f : tops / 127.0f);
    for (size_t i = 0; i < count; i++) {
        v16i a = codes16(load16(values + i * 32), inverses[i]);
        v16i b = codes16(load16(values + i * 32 + 16), inverses[i]);
        v16b bytes_a = __builtin_convertvector(a, v16b);
        v16b bytes_b = __builtin_convertvector(b, v16b);
        int8_t *out = codes + i * stride * CK_BLOCK_COLUMNS;
        __builtin_memcpy(out, &bytes_a, 16);
        __builtin_memcpy(out + 16, &bytes_b, 16);
        int32_t first = __builtin_reduce_add(__builtin_convertvector(bytes_a, v16i));
        int32_t last = __builtin_reduce_add(__builtin_convertvector(bytes_b, v16i));
        blocks[i * stride] = (ck_block){
            scales[i], scales[i] * (float)(first + last), -8 * (first + last),
            {-32 * first, -32 * last}};
    }
}

static void quantise(
    const float *values, size_t count, size_t stride, int8_t *codes, ck_block *blocks) {
    size_t block_count = count / CK_BLOCK_COLUMNS;
    for (size_t i = 0; i < block_count; i += 16) {
        size_t some = block_count - i < 16 ? block_count - i : 16;
        quantise_blocks(
            values + i * CK_BLOCK_COLUMNS, some, stride, codes + i * stride * CK_BLOCK_COLUMNS,
            blocks + i * stride);
    }
}

static void rms_norm(
    const float *x, const float *weight, size_t count, float epsilon, float *out) {
    v16f squares = 0;
    size_t i = 0;
    for (; i + 16 <= count; i += 16) {
        v16f v = load16(x + i);
        squares = FMA(v, v, squares);
    }
    if (i < count) {
        v16f v = load_part(x + i, count - i);
        squares = FMA(v, v, squares);
    }
    float factor = 1.0f / __builtin_sqrtf(sum16(squares) / (float)count + epsilon);
    for (i = 0; i + 16 <= count; i += 16) {
        store16(out + i, load16(x + i) * factor * load16(weight + i));
    }
    if (i < count) {
        v16f v = load_part(x + i, count - i) * factor * load_part(weight + i, count - i);
        store_part(out + i, v, count - i);
    }
}

INLINE v16f gated16(v16f gate, v16f up) { return gate / (exp16(-gate) + 1.0f) * up; }

static void swiglu(float *gate, const float *up, size_t count) {
    size_t i = 0;
    for (; i + 16 <= count; i += 16) {
        store16(gate + i, gated16(load16(gate + i), load16(up + i)));
    }
    if (i < count) {
        v16f v = gated16(load_part(gate + i, count - i), load_part(up + i, count - i));
        store_part(gate + i, v, count - i);
    }
}

INLINE v16f rotated16(v16f x, v16f cosines, v16f sines) {
    v16f swapped = __builtin_shufflevector(
        x, x, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14);
    return FMA(x, cosines, swapped * sines);
}

static void rope(
    float *heads, size_t head_count, size_t head_size, size_t dimensions, const float *table) {
    const float *sines = table + dimensions;
    for (size_t head = 0; head < head_count; head++) {
        float *x = heads + head * head_size;
        size_t i = 0;
        for (; i + 16 <= dimensions; i += 16) {
            store16(x + i, rotated16(load16(x + i), load16(table + i), load16(sines + i)));
        }
        if (i < dimensions) {
            size_t rest = dimensions - i;
            v16f v = rotated16(
                load_part(x + i, rest), load_part(table + i, rest), load_part(sines + i, rest));
            store_part(x + i, v, rest);
        }
    }
}

/// 16 logits, missing ones and NaN as the least that counts.
INLINE v16f logits16(const float *logits, size_t count) {
    const v16f least = -3.0e38f;
    v16f v = least;
    if (count >= 16) {
        v = load16(logits);
    } else {
        __builtin_memcpy(&v, logits, count * sizeof(float));
    }
    return max16(v, least);
}

/// The largest of at most `CK_LOGIT_PART` logits and Σ exp(logit - largest).
INLINE void logit_part(const float *logits, size_t count, float *largest, float *sum) {
    v16f top = -3.0e38f, total = 0;
    for (size_t i = 0; i < count; i += 16) {
        top = max16(top, logits16(logits + i, count - i));
    }
    *largest = top16(top);
    for (size_t i = 0; i < count; i += 16) {
        total += exp16(logits16(logits + i, count - i) - *largest);
    }
    *sum = sum16(total);
}

static void logit_parts(const ck_logits *logits, size_t first, size_t end) {
    for (size_t part = first; part < end; part++) {
        size_t start = part * CK_LOGIT_PART;
        size_t left = logits->count - start;
        logit_part(
            logits->values + start, left < CK_LOGIT_PART ? left : CK_LOGIT_PART,
            logits->largest + part, logits->sums + part);
    }
}

/// Doubles, as beside a large part's sum many small ones would vanish.
static float log_sum_exp(const ck_logits *logits) {
    size_t part_count = (logits->count + CK_LOGIT_PART - 1) / CK_LOGIT_PART;
    v16f all = -3.0e38f;
    for (size_t i = 0; i < part_count; i += 16) {
        all = max16(all, logits16(logits->largest + i, part_count - i));
    }
    float top = top16(all);
    if (!(top > -3.0e38f)) {
        return -__builtin_inff();
    }
    if (top > 3.4028235e38f) {
        return top;
    }
    double total = 0;
    for (size_t i = 0; i < part_count; i += 16) {
        size_t count = part_count - i < 16 ? part_count - i : 16;
        float scales[16];
        store16(scales, exp16(logits16(logits->largest + i, count) - top));
        for (size_t lane = 0; lane < count; lane++) {
            total += (double)scales[lane] * (double)logits->sums[i + lane];
        }
    }
    return top + ck_log((float)total);
}

#endif
