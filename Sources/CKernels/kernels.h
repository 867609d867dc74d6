// SPDX-License-Identifier: Apache-2.0
// The kernels of one ISA, as a table. Parameters as in ckernels.h.
#ifndef CK_KERNELS_H
#define CK_KERNELS_H

#include "ckernels.h"

typedef struct {
    void (*widen_groups)(const ck_matrix *, size_t, size_t, float *);
    void (*quantise)(const float *, size_t, size_t, int8_t *, ck_block *);
    void (*multiply)(
        const ck_matrix *, const ck_activations *, size_t, size_t, float *, size_t, bool);
    void (*rms_norm)(const float *, const float *, size_t, float, float *);
    void (*swiglu)(float *, const float *, size_t);
    void (*rope)(float *, size_t, size_t, size_t, const float *);
    void (*store_kv)(uint32_t, const float *, const float *, size_t, size_t, void *);
    void (*attend)(const ck_attention *, size_t, size_t);
    void (*combine_segments)(const ck_attention *);
    void (*logit_parts)(const ck_logits *, size_t, size_t);
    float (*log_sum_exp)(const ck_logits *);
    void (*widen_f16)(const uint16_t *, size_t, float *);
    void (*narrow_f16)(const float *, size_t, uint16_t *);
} ck_table;

/// Whether products of many rows with plain types, by AVX-512, take two groups at once: each code
/// of the activations is then loaded once for both, but weights are unpacked for 4 rows instead
/// of 8. Worth it where loads are what is short, as two 512-bit dot products start in a cycle;
/// `KernelChecks` sets it both ways.
extern bool ck_pairs_groups;

/// The values that IQ4_NL's codes stand for.
extern const int8_t ck_non_linear[16];

extern const ck_table ck_table_portable;
#if defined(__x86_64__)
extern const ck_table ck_table_avx2;
extern const ck_table ck_table_avxvnni;
extern const ck_table ck_table_avx512vnni;
#elif defined(__aarch64__)
extern const ck_table ck_table_neon;
#endif

#endif
