// SPDX-License-Identifier: Apache-2.0
// One block of the KV cache: CK_KEY_BLOCK positions of one KV head, the keys with one lane for each
// position, then the values with one row for each.
//
// f16: keys (head_size, 32), values (32, stride).
// q8:  key codes (head_size, 32), key scales (groups, 32), value codes (32, stride), value scales
//      (groups, 32). A group is 32 elements of a head, the last one may be shorter; a position's
//      group has one f16 scale, and an element is code · scale.
#ifndef CK_KV_BLOCK_H
#define CK_KV_BLOCK_H

#include "kernels.h"
#include "lanes.h"
#include "rows.h"

enum { CK_KV_GROUP = 32 };

/// Where the parts of one block are.
typedef struct {
    uint8_t *keys;
    uint16_t *key_scales;
    uint8_t *values;
    uint16_t *value_scales;
} kv_block;

/// Elements from one position's values to the next: whole vectors.
INLINE size_t value_stride(size_t head_size) { return (head_size + 15) / 16 * 16; }

INLINE size_t kv_groups(size_t head_size) { return (head_size + CK_KV_GROUP - 1) / CK_KV_GROUP; }

INLINE kv_block kv_parts(uint32_t type, size_t head_size, void *block) {
    uint8_t *keys = block;
    size_t width = type == CK_KV_Q8 ? 1 : 2;
    size_t scales = type == CK_KV_Q8 ? kv_groups(head_size) * CK_KEY_BLOCK * 2 : 0;
    uint8_t *key_scales = keys + head_size * CK_KEY_BLOCK * width;
    uint8_t *values = key_scales + scales;
    uint8_t *value_scales = values + CK_KEY_BLOCK * value_stride(head_size) * width;
    return (kv_block){keys, (uint16_t *)key_scales, values, (uint16_t *)value_scales};
}

/// Up to 32 values as codes and their scale; the codes of what is missing are zero.
static uint16_t kv_codes(const float *values, size_t count, int8_t *codes) {
    v16f a = count >= 16 ? load16(values) : load_part(values, count);
    v16f b = count >= 32 ? load16(values + 16) : (v16f)0.0f;
    if (count > 16 && count < 32) {
        b = load_part(values + 16, count - 16);
    }
    v16u mask = 0x7fffffffu;
    v16f absolute_a = ((v16f)(((v16u)(a)) & mask));
    v16f absolute_b = ((v16f)(((v16u)(b)) & mask));
    float wanted = top16(max16(absolute_a, absolute_b)) / 127.0f;
    uint16_t narrow[16];
    narrow_f16(&wanted, 1, narrow);
    float scale;
    widen_f16(narrow, 1, &scale);
    // Codes are of the scale as it is kept. It may be clamped, or too small to be exact.
    float inverse = scale > 0 ? 1.0f / scale : 0.0f;
    v16i code_a = codes16(a, inverse), code_b = codes16(b, inverse);
    code_a = code_a > 127 ? (v16i)127 : code_a < -127 ? (v16i)-127 : code_a;
    code_b = code_b > 127 ? (v16i)127 : code_b < -127 ? (v16i)-127 : code_b;
    v16b bytes_a = __builtin_convertvector(code_a, v16b);
    v16b bytes_b = __builtin_convertvector(code_b, v16b);
    __builtin_memcpy(codes, &bytes_a, 16);
    __builtin_memcpy(codes + 16, &bytes_b, 16);
    return narrow[0];
}

static void store_kv_q8(
    const float *key, const float *value, size_t head_size, size_t index, kv_block to) {
    int8_t codes[CK_KV_GROUP];
    for (size_t start = 0; start < head_size; start += CK_KV_GROUP) {
        size_t group = start / CK_KV_GROUP;
        size_t count = head_size - start < CK_KV_GROUP ? head_size - start : CK_KV_GROUP;
        to.key_scales[group * CK_KEY_BLOCK + index] = kv_codes(key + start, count, codes);
        for (size_t i = 0; i < count; i++) {
            to.keys[(start + i) * CK_KEY_BLOCK + index] = (uint8_t)codes[i];
        }
        to.value_scales[group * CK_KEY_BLOCK + index] = kv_codes(value + start, count, codes);
        __builtin_memcpy(to.values + index * value_stride(head_size) + start, codes, count);
    }
}

static void store_kv_f16(
    const float *key, const float *value, size_t head_size, size_t index, kv_block to) {
    uint16_t narrow[CK_HEAD_SIZE_MAX];
    narrow_f16(key, head_size, narrow);
    uint16_t *column = (uint16_t *)to.keys + index;
    for (size_t i = 0; i < head_size; i++) {
        column[i * CK_KEY_BLOCK] = narrow[i];
    }
    narrow_f16(value, head_size, (uint16_t *)to.values + index * value_stride(head_size));
}

static void store_kv(
    uint32_t type, const float *key, const float *value, size_t head_size, size_t index,
    void *block) {
    kv_block to = kv_parts(type, head_size, block);
    if (type == CK_KV_Q8) {
        store_kv_q8(key, value, head_size, index, to);
    } else {
        store_kv_f16(key, value, head_size, index, to);
    }
}

#endif
