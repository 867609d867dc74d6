// SPDX-License-Identifier: Apache-2.0
// The codes of a packed block of 32 weights of each row, four bytes a lane.
#ifndef CK_CODES_H
#define CK_CODES_H

#include "kernels.h"
#include "lanes.h"

#if CK_LANES == 16
typedef v16f vf;
typedef v16i vi;
#else
typedef v8f vf;
typedef int32_t vi __attribute__((ext_vector_type(8)));
#endif
typedef uint32_t v_words __attribute__((ext_vector_type(CK_LANES)));

INLINE bool is_super(uint32_t type) { return type >= CK_Q2_K && type <= CK_Q6_K; }

/// Whether each half of a block has a scale of its own.
INLINE bool has_halves(uint32_t type) {
    return type == CK_Q2_K || type == CK_Q3_K || type == CK_Q6_K;
}

INLINE bool has_minimum(uint32_t type) {
    return type == CK_Q4_1 || type == CK_Q5_1 || type == CK_Q2_K || type == CK_Q4_K ||
           type == CK_Q5_K;
}

INLINE bool has_bits(uint32_t type) {
    return type == CK_Q5_0 || type == CK_Q5_1 || type == CK_Q3_K || type == CK_Q5_K;
}

INLINE bool has_pairs(uint32_t type) { return has_halves(type); }
INLINE bool has_nibbles(uint32_t type) { return type != CK_Q2_K && type != CK_Q3_K; }

/// Codes of the full width of a byte, which 16-bit sums of pairs hold only two of.
INLINE bool is_wide(uint32_t type) { return type == CK_Q8_0 || type == CK_IQ4_NL; }

/// What has to be taken off each code as it is multiplied.
INLINE int code_offset(uint32_t type) {
    return type == CK_Q4_0   ? 8
           : type == CK_Q5_0 ? 16
           : type == CK_Q6_K ? 32
           : type == CK_Q3_K ? 4
           : is_wide(type)   ? CK_Q8_OFFSET
                             : 0;
}

/// Bytes of the codes of a block of 16 rows.
INLINE size_t code_bytes(uint32_t type) {
    return type == CK_Q8_0 ? 512
                           : (has_bits(type) ? 64 : 0) + (has_pairs(type) ? 128 : 0) +
                                 (has_nibbles(type) ? 256 : 0);
}

INLINE v_words load_words(const uint8_t *p) {
    v_words v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
}

INLINE v_words moved(v_words v, int left) { return left < 0 ? v >> -left : v << left; }

/// Codes of weights `16 * half + 4 * run..` of each row.
INLINE v_words run_codes(const uint32_t type, const uint8_t *codes, int half, int run) {
    const uint8_t *pairs = codes + (has_bits(type) ? 64 : 0);
    const uint8_t *nibbles = pairs + (has_pairs(type) ? 128 : 0);
    if (type == CK_Q8_0) {
        return load_words(codes + (4 * half + run) * 64);
    }
    v_words v = 0;
    if (has_nibbles(type)) {
        v = moved(load_words(nibbles + run * 64), -4 * half) & 0x0f0f0f0fu;
    }
    if (has_pairs(type)) {
        int bit = type == CK_Q6_K ? 4 : 0;
        v |= moved(load_words(pairs + half * 64), bit - 2 * run) & (0x03030303u << bit);
    }
    if (has_bits(type)) {
        int bit = type == CK_Q3_K ? 2 : 4;
        v |= moved(load_words(codes), bit - (4 * half + run)) & (0x01010101u << bit);
    }
    return type == CK_IQ4_NL ? non_linear_codes(v) : v;
}

#endif
