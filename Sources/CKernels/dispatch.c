// SPDX-License-Identifier: Apache-2.0
#include "kernels.h"

#include <stdlib.h>

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>

#ifndef HWCAP_ASIMDDP
#define HWCAP_ASIMDDP (1 << 20)
#endif
#endif

static const ck_table *table(ck_isa isa) {
    switch (isa) {
#if defined(__x86_64__)
    case CK_AVX2: return &ck_table_avx2;
    case CK_AVXVNNI: return &ck_table_avxvnni;
    case CK_AVX512VNNI: return &ck_table_avx512vnni;
#elif defined(__aarch64__)
    case CK_NEON: return &ck_table_neon;
#endif
    default: return &ck_table_portable;
    }
}

#if defined(__x86_64__)
/// By the instruction itself: compilers' tables of features learnt this one late.
static bool has_avxvnni(void) {
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & (1u << 4));
}
#endif

bool ck_pairs_groups;

#if defined(__x86_64__)
/// AMD's Zen 5 and later: family 26. 512 rows of Q4_0 there, 1 thread: 646 GOP/s, in pairs 702.
__attribute__((constructor)) static void choose_pairs(void) {
    unsigned a, b, c, d;
    if (__builtin_cpu_is("amd") && __get_cpuid(1, &a, &b, &c, &d)) {
        ck_pairs_groups = ((a >> 8) & 15) + ((a >> 20) & 255) >= 26;
    }
}
#endif

bool ck_isa_supported(ck_isa isa) {
#if defined(__x86_64__)
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                __builtin_cpu_supports("f16c");
    switch (isa) {
    case CK_PORTABLE: return true;
    case CK_AVX2: return avx2;
    case CK_AVXVNNI: return avx2 && has_avxvnni();
    case CK_AVX512VNNI:
        return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("avx512vnni");
    default: return false;
    }
#elif defined(__aarch64__)
    // Without the dot products the portable code is no slower.
    return isa == CK_PORTABLE || (isa == CK_NEON && (getauxval(AT_HWCAP) & HWCAP_ASIMDDP));
#else
    return isa == CK_PORTABLE;
#endif
}

const char *ck_forced_isa(void) { return getenv("CARAVAN_ISA"); }

void ck_widen_groups(
    ck_isa isa, const ck_matrix *matrix, size_t group_start, size_t group_count, float *out) {
    table(isa)->widen_groups(matrix, group_start, group_count, out);
}

void ck_quantise(
    ck_isa isa, const float *values, size_t count, size_t stride, int8_t *codes,
    ck_block *blocks) {
    table(isa)->quantise(values, count, stride, codes, blocks);
}

ck_panel ck_panel_of(size_t row, size_t row_count) {
    size_t start = row / CK_PANEL_ROWS * CK_PANEL_ROWS, left = row_count - start;
    return (ck_panel){start, left < CK_PANEL_ROWS ? left : CK_PANEL_ROWS};
}

void ck_multiply(
    ck_isa isa, const ck_matrix *weights, const ck_activations *x, size_t group_start,
    size_t group_end, float *out, size_t out_stride, bool accumulate) {
    table(isa)->multiply(weights, x, group_start, group_end, out, out_stride, accumulate);
}

void ck_rms_norm(
    ck_isa isa, const float *x, const float *weight, size_t count, float epsilon, float *out) {
    table(isa)->rms_norm(x, weight, count, epsilon, out);
}

void ck_swiglu(ck_isa isa, float *gate, const float *up, size_t count) {
    table(isa)->swiglu(gate, up, count);
}

void ck_rope(
    ck_isa isa, float *heads, size_t head_count, size_t head_size, size_t dimensions,
    const float *rotations) {
    table(isa)->rope(heads, head_count, head_size, dimensions, rotations);
}

size_t ck_kv_block_bytes(uint32_t type, size_t head_size) {
    size_t stride = (head_size + 15) / 16 * 16, groups = (head_size + 31) / 32;
    size_t elements = (head_size + stride) * CK_KEY_BLOCK;
    return type == CK_KV_Q8 ? elements + 2 * groups * CK_KEY_BLOCK * 2 : elements * 2;
}

void ck_store_kv(
    ck_isa isa, uint32_t type, const float *key, const float *value, size_t head_size,
    size_t index, void *block) {
    table(isa)->store_kv(type, key, value, head_size, index, block);
}

size_t ck_partial_length(size_t head_size) { return 16 + (head_size + 15) / 16 * 16; }

// Sixteen segments up to 4,096, and sixteen more for each doubling.
size_t ck_segment_start(size_t segment) {
    size_t doublings = segment < 32 ? 0 : segment / 16 - 1;
    return (segment - 16 * doublings) * 256 << doublings;
}

size_t ck_segment_count(size_t length) {
    size_t doublings = 0;
    while (length > (size_t)8192 << doublings) {
        doublings++;
    }
    size_t size = (size_t)256 << doublings;
    return 16 * doublings + (length + size - 1) / size;
}

void ck_attend(ck_isa isa, const ck_attention *attention) {
    size_t length = attention->first_length + attention->row_count - 1;
    ck_attention whole = *attention;
    whole.partials = NULL;
    table(isa)->attend(&whole, 0, ck_segment_count(length));
}

void ck_attend_segments(
    ck_isa isa, const ck_attention *attention, size_t segment_start, size_t segment_end) {
    table(isa)->attend(attention, segment_start, segment_end);
}

void ck_combine_segments(ck_isa isa, const ck_attention *attention) {
    table(isa)->combine_segments(attention);
}

void ck_logit_parts(ck_isa isa, const ck_logits *logits, size_t first, size_t end) {
    table(isa)->logit_parts(logits, first, end);
}

float ck_log_sum_exp(ck_isa isa, const ck_logits *logits) {
    return table(isa)->log_sum_exp(logits);
}

void ck_widen_f16(ck_isa isa, const uint16_t *in, size_t count, float *out) {
    table(isa)->widen_f16(in, count, out);
}

void ck_narrow_f16(ck_isa isa, const float *in, size_t count, uint16_t *out) {
    table(isa)->narrow_f16(in, count, out);
}
