// SPDX-License-Identifier: Apache-2.0
// The K types: where the parts of a super-block of 256 weights lie, in the file and packed.
//
// Source: ggml's quantisation types. A super-block has one f16 scale d (and for some types one f16
// d' for the minima), scales of 4, 6 or 8 bits for its sub-blocks of 16 or 32 weights, and codes of
// 2 to 6 bits in planes that each cover all of it. A weight is d · scale · code - d' · minimum,
// where the codes of Q3_K and Q6_K have 4 and 32 taken off and the scales of Q3_K 32.
//
// Packed, the planes are regrouped into 8 blocks of 32 weights that read like those of the plain
// types. Of one row a block has, in words of 4 bytes, and 16 rows of each word side by side:
//   bits     1 word: bit i of byte k is bit 4 (Q5_K) or 2 (Q3_K) of weight 4i + k
//   pairs    2 words: bits 2i, 2i + 1 of byte k of word h are the pair of weight 16h + 4i + k, its
//            bits 4 and 5 (Q6_K) or 0 and 1 (Q2_K, Q3_K)
//   nibbles  4 words: the low nibble of byte k of word i is weight 4i + k, the high one 16 + 4i + k
// The sub-blocks' scales stay as the file has them, in 3 or 4 words, so that nothing grows.
#ifndef CK_SUPER_LAYOUT_H
#define CK_SUPER_LAYOUT_H

#include "ckernels.h"

typedef struct {
    /// Bytes of a super-block of one row, here and packed.
    size_t bytes;
    /// Of f16 numbers: d, or d and d'; they are neighbours.
    size_t halves;
    size_t scale_words;
    /// Words of one block of 32.
    size_t bit_words, pair_words, nibble_words;
    /// Where each part starts in the file.
    size_t half_start, scale_start, bit_start, pair_start, nibble_start;
} super_layout;

/// The layout of a K type; false for other types.
static inline bool super_layout_of(uint32_t type, super_layout *out) {
    switch (type) {
    case CK_Q2_K: *out = (super_layout){84, 2, 4, 0, 2, 0, 80, 0, 0, 16, 0}; return true;
    case CK_Q3_K: *out = (super_layout){110, 1, 3, 1, 2, 0, 108, 96, 0, 32, 0}; return true;
    case CK_Q4_K: *out = (super_layout){144, 2, 3, 0, 0, 4, 0, 4, 0, 0, 16}; return true;
    case CK_Q5_K: *out = (super_layout){176, 2, 3, 1, 0, 4, 0, 4, 16, 0, 48}; return true;
    case CK_Q6_K: *out = (super_layout){210, 1, 4, 0, 2, 4, 208, 192, 0, 128, 0}; return true;
    default: return false;
    }
}

/// Bytes of one packed block of 32 weights of 16 rows.
static inline size_t super_block_bytes(const super_layout *l) {
    return (l->bit_words + l->pair_words + l->nibble_words) * 64;
}

/// One super-block of the file into lane `lane` of `lanes` packed side by side.
void ck_pack_super(
    uint32_t type, const uint8_t *source, size_t lane, size_t lanes, uint8_t *packed);

/// The 256 values of a lane of a packed super-block.
void ck_super_values(
    uint32_t type, const uint8_t *packed, size_t lane, size_t lanes, float *out);

#endif
