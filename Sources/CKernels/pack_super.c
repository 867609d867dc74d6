// SPDX-License-Identifier: Apache-2.0
// Super-blocks of the K types, packed and back; see super_layout.h.
#include "super_layout.h"

#include <string.h>

static uint32_t word_at(const uint8_t *bytes, size_t index) {
    uint32_t word;
    memcpy(&word, bytes + index * 4, 4);
    return word;
}

/// Where in the nibbles' plane block `block` starts, in words, and which nibble is its.
static size_t nibble_word(uint32_t type, size_t block) {
    return type == CK_Q6_K ? block / 4 * 16 + block % 2 * 8 : block / 2 * 8;
}

static unsigned nibble_shift(uint32_t type, size_t block) {
    return 4 * (type == CK_Q6_K ? block / 2 % 2 : block % 2);
}

/// Writes words to one lane, each a line of `lanes` words after the one before.
typedef struct {
    uint8_t *next;
    size_t stride;
} lane_writer;

static void put_word(lane_writer *out, uint32_t word) {
    memcpy(out->next, &word, 4);
    out->next += out->stride;
}

static void pack_codes(
    uint32_t type, const super_layout *l, const uint8_t *source, size_t block, lane_writer *out) {
    if (l->bit_words) {
        uint32_t bits = 0;
        for (size_t i = 0; i < 8; i++) {
            bits |= ((word_at(source + l->bit_start, i) >> block) & 0x01010101u) << i;
        }
        put_word(out, bits);
    }
    for (size_t half = 0; half < l->pair_words; half++) {
        uint32_t pairs = 0;
        for (size_t i = 0; i < 4; i++) {
            uint32_t word = word_at(source + l->pair_start, block / 4 * 8 + half * 4 + i);
            pairs |= ((word >> (2 * (block % 4))) & 0x03030303u) << (2 * i);
        }
        put_word(out, pairs);
    }
    const uint8_t *nibbles = source + l->nibble_start + nibble_word(type, block) * 4;
    unsigned shift = nibble_shift(type, block);
    for (size_t i = 0; i < l->nibble_words; i++) {
        uint32_t first = (word_at(nibbles, i) >> shift) & 0x0f0f0f0fu;
        uint32_t last = (word_at(nibbles, i + 4) >> shift) & 0x0f0f0f0fu;
        put_word(out, first | last << 4);
    }
}

void ck_pack_super(
    uint32_t type, const uint8_t *source, size_t lane, size_t lanes, uint8_t *packed) {
    super_layout l;
    if (!super_layout_of(type, &l)) {
        return;
    }
    for (size_t i = 0; i < l.halves; i++) {
        memcpy(packed + (i * lanes + lane) * 2, source + l.half_start + i * 2, 2);
    }
    lane_writer out = {packed + l.halves * lanes * 2 + lane * 4, lanes * 4};
    for (size_t i = 0; i < l.scale_words; i++) {
        put_word(&out, word_at(source + l.scale_start, i));
    }
    for (size_t block = 0; block < 8; block++) {
        pack_codes(type, &l, source, block, &out);
    }
}

/// Words of one lane.
typedef struct {
    const uint8_t *first;
    size_t stride;
} lane_reader;

static unsigned byte_of(lane_reader in, size_t word, size_t byte) {
    return in.first[word * in.stride + byte];
}

/// Byte `index` of the scales as the file has them.
static unsigned scale_byte(lane_reader scales, size_t index) {
    return byte_of(scales, index / 4, index % 4);
}

/// Scale and minimum of the sub-block that holds weights `16 * index..`.
static void sub_block(uint32_t type, lane_reader in, size_t index, int *scale, int *minimum) {
    *minimum = 0;
    if (type == CK_Q6_K) {
        *scale = (int8_t)scale_byte(in, index);
    } else if (type == CK_Q2_K) {
        *scale = scale_byte(in, index) & 15;
        *minimum = scale_byte(in, index) >> 4;
    } else if (type == CK_Q3_K) {
        unsigned low = scale_byte(in, index % 8) >> (index / 8 * 4) & 15;
        unsigned high = scale_byte(in, 8 + index % 4) >> (index / 4 * 2) & 3;
        *scale = (int)(low | high << 4) - 32;
    } else if (index < 8) {
        *scale = scale_byte(in, index / 2) & 63;
        *minimum = scale_byte(in, 4 + index / 2) & 63;
    } else {
        unsigned both = scale_byte(in, 4 + index / 2);
        *scale = (both & 15) | (scale_byte(in, index / 2 - 4) >> 6) << 4;
        *minimum = both >> 4 | (scale_byte(in, index / 2) >> 6) << 4;
    }
}

/// Code `weight` of a block of 32, less what is to be taken off.
static int code_at(uint32_t type, const super_layout *l, lane_reader block, size_t weight) {
    size_t half = weight / 16, i = weight % 16 / 4, byte = weight % 4;
    int code = 0;
    if (l->nibble_words) {
        size_t word = l->bit_words + l->pair_words + i;
        code = byte_of(block, word, byte) >> (4 * half) & 15;
    }
    if (l->pair_words) {
        int pair = byte_of(block, l->bit_words + half, byte) >> (2 * i) & 3;
        code |= type == CK_Q6_K ? pair << 4 : pair;
    }
    if (l->bit_words) {
        int bit = byte_of(block, 0, byte) >> (weight / 4) & 1;
        code |= bit << (type == CK_Q3_K ? 2 : 4);
    }
    return code - (type == CK_Q6_K ? 32 : type == CK_Q3_K ? 4 : 0);
}

static float half_at(const uint8_t *p) {
    uint16_t bits;
    float value;
    memcpy(&bits, p, 2);
    ck_widen_f16(CK_PORTABLE, &bits, 1, &value);
    return value;
}

void ck_super_values(
    uint32_t type, const uint8_t *packed, size_t lane, size_t lanes, float *out) {
    super_layout l;
    if (!super_layout_of(type, &l)) {
        return;
    }
    float d = half_at(packed + lane * 2);
    float d_minimum = l.halves == 2 ? half_at(packed + (lanes + lane) * 2) : 0.0f;
    lane_reader scales = {packed + l.halves * lanes * 2 + lane * 4, lanes * 4};
    lane_reader block = {scales.first + l.scale_words * scales.stride, scales.stride};
    for (size_t index = 0; index < 16; index++) {
        int scale, minimum;
        sub_block(type, scales, index, &scale, &minimum);
        float step = d * (float)scale;
        float least = d_minimum * (float)minimum;
        for (size_t weight = index % 2 * 16; weight < index % 2 * 16 + 16; weight++) {
            float value = step * (float)code_at(type, &l, block, weight);
            *out++ = l.halves == 2 ? value - least : value;
        }
        if (index % 2) {
            block.first += super_block_bytes(&l) / 64 * block.stride;
        }
    }
}
