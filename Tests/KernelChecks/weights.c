// SPDX-License-Identifier: Apache-2.0
// Random matrices of every type, as a file stores them.
#include "check.h"

#include <string.h>

const weight_type weight_types[] = {
    {CK_F32, "F32", 1, 4, 0, 0},          {CK_F16, "F16", 1, 2, 0, 1},
    {CK_BF16, "BF16", 1, 2, 0, 0},        {CK_Q4_0, "Q4_0", 32, 18, 0, 1},
    {CK_Q4_1, "Q4_1", 32, 20, 0, 2},      {CK_Q5_0, "Q5_0", 32, 22, 0, 1},
    {CK_Q5_1, "Q5_1", 32, 24, 0, 2},      {CK_Q8_0, "Q8_0", 32, 34, 0, 1},
    {CK_IQ4_NL, "IQ4_NL", 32, 18, 0, 1},  {CK_Q2_K, "Q2_K", 256, 84, 80, 2},
    {CK_Q3_K, "Q3_K", 256, 110, 108, 1},  {CK_Q4_K, "Q4_K", 256, 144, 0, 2},
    {CK_Q5_K, "Q5_K", 256, 176, 0, 2},    {CK_Q6_K, "Q6_K", 256, 210, 208, 1},
};

const size_t weight_type_count = sizeof weight_types / sizeof weight_types[0];

/// An f16 number of either sign between 2^-9 and 2^-3.
static uint16_t draw_half(source *random) {
    size_t exponent = draw_size(random, 6, 11);
    return (uint16_t)((draw(random) & 0x8000u) | exponent << 10 | (draw(random) & 0x3ffu));
}

void *random_matrix(source *random, const weight_type *type, size_t count, bool extreme) {
    size_t blocks = count / type->block_weights;
    uint8_t *bytes = room(blocks * type->block_bytes);
    for (size_t block = 0; block < blocks; block++) {
        uint8_t *p = bytes + block * type->block_bytes;
        if (type->number == CK_F32 || type->number == CK_BF16) {
            float value = draw_float(random, 1);
            memcpy(p, (uint8_t *)&value + 4 - type->block_bytes, type->block_bytes);
            continue;
        }
        for (size_t i = 0; i < type->block_bytes; i++) {
            uint8_t code = (uint8_t)draw(random);
            p[i] = !extreme || code < 8 ? code : type->number == CK_Q8_0 ? 0x80 : 0xFF;
        }
        for (size_t i = 0; i < type->half_count; i++) {
            uint16_t half = draw_half(random);
            memcpy(p + type->half_start + 2 * i, &half, 2);
        }
    }
    return bytes;
}
