// SPDX-License-Identifier: Apache-2.0
// Scales of the K types' sub-blocks, four bytes a lane; see super_layout.h.
#ifndef CK_SUPER_SCALES_H
#define CK_SUPER_SCALES_H

#include "codes.h"

/// Scales, and minima where there are any, of four sub-blocks: the first in the lowest byte.
typedef struct {
    v_words scales;
    v_words minima;
} scale_quad;

/// Sub-blocks `4 * quad..` of the 8 or 16 whose scales start at `words`.
INLINE scale_quad load_quad(const uint32_t type, const uint8_t *words, size_t quad) {
    const v_words low = 0x0f0f0f0fu, top = 0x30303030u;
    scale_quad q = {0, 0};
    if (type == CK_Q6_K) {
        q.scales = load_words(words + quad * 64);
    } else if (type == CK_Q2_K) {
        v_words both = load_words(words + quad * 64);
        q.scales = both & low;
        q.minima = (both >> 4) & low;
    } else if (type == CK_Q3_K) {
        v_words bottom = load_words(words + quad % 2 * 64) >> (uint32_t)(quad / 2 * 4);
        v_words high = load_words(words + 128) >> (uint32_t)(quad * 2);
        q.scales = (bottom & low) | ((high << 4) & top);
    } else {
        v_words scales = load_words(words), minima = load_words(words + 64);
        if (quad == 0) {
            q.scales = scales & 0x3f3f3f3fu;
            q.minima = minima & 0x3f3f3f3fu;
        } else {
            v_words both = load_words(words + 128);
            q.scales = (both & low) | ((scales >> 2) & top);
            q.minima = ((both >> 4) & low) | ((minima >> 2) & top);
        }
    }
    return q;
}

/// The lowest scale of a quad as it counts; the others move down.
INLINE vf next_scale(const uint32_t type, v_words *scales) {
    vi byte = type == CK_Q6_K ? (vi)(*scales << 24) >> 24 : (vi)(*scales & 0xffu);
    *scales >>= 8;
    return __builtin_convertvector(type == CK_Q3_K ? byte - 32 : byte, vf);
}

INLINE vf next_minimum(v_words *minima) {
    vi byte = (vi)(*minima & 0xffu);
    *minima >>= 8;
    return __builtin_convertvector(byte, vf);
}

#endif
