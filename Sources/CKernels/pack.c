// SPDX-License-Identifier: Apache-2.0
// From GGUF's row-major blocks to groups of 16 rows, and back to values.
//
// Source of the block formats: ggml's quantisation types as the GGUF specification names them:
// a block of 32 is an f16 scale, (an f16 minimum,) (32 fifth bits,) then 16 bytes whose low nibbles
// are elements 0..15 and whose high ones are 16..31, or 32 signed bytes.
#include "kernels.h"
#include "super_layout.h"

#include <string.h>

typedef struct {
    size_t block_bytes;
    /// Of f16 numbers before the codes: the scale, and the minimum if there are two.
    size_t scales;
    bool fifth;
    bool wide;
    int offset;
} layout;

static bool layout_of(uint32_t type, layout *out) {
    switch (type) {
    case CK_Q4_0: *out = (layout){18, 1, false, false, 8}; return true;
    case CK_Q4_1: *out = (layout){20, 2, false, false, 0}; return true;
    case CK_Q5_0: *out = (layout){22, 1, true, false, 16}; return true;
    case CK_Q5_1: *out = (layout){24, 2, true, false, 0}; return true;
    case CK_Q8_0: *out = (layout){34, 1, false, true, 128}; return true;
    case CK_IQ4_NL: *out = (layout){18, 1, false, false, 0}; return true;
    default: return false;
    }
}

static size_t float_bytes(uint32_t type) {
    return type == CK_F32 ? 4 : type == CK_F16 || type == CK_BF16 ? 2 : 0;
}

size_t ck_group_bytes(uint32_t type, size_t columns) {
    layout l;
    super_layout k;
    if (layout_of(type, &l)) {
        return columns / 32 * l.block_bytes * 16;
    }
    if (super_layout_of(type, &k)) {
        return columns / CK_SUPER_COLUMNS * k.bytes * 16;
    }
    return columns * 16 * float_bytes(type);
}

/// The fifth bits of weights k, 4 + k, 8 + k, … of a block as one byte, the first lowest.
static uint8_t fifth_column(uint32_t bits, int k) {
    uint32_t every_fourth = (bits >> k) & 0x11111111u;
    uint32_t pairs = (every_fourth | every_fourth >> 3) & 0x03030303u;
    uint32_t fours = (pairs | pairs >> 6) & 0x000f000fu;
    return (uint8_t)(fours | fours >> 12);
}

/// One source block into row `lane` of a packed block.
static void pack_block(const layout *l, const uint8_t *source, size_t lane, uint8_t *block) {
    for (size_t i = 0; i < l->scales; i++) {
        memcpy(block + i * 32 + lane * 2, source + i * 2, 2);
    }
    uint8_t *out = block + l->scales * 32 + lane * 4;
    source += l->scales * 2;
    if (l->fifth) {
        uint32_t bits;
        memcpy(&bits, source, 4);
        for (int k = 0; k < 4; k++) {
            out[k] = fifth_column(bits, k);
        }
        out += 64;
        source += 4;
    }
    size_t runs = l->wide ? 8 : 4;
    for (size_t run = 0; run < runs; run++) {
        uint32_t codes;
        memcpy(&codes, source + run * 4, 4);
        codes ^= l->wide ? 0x80808080u : 0u;
        memcpy(out + run * 64, &codes, 4);
    }
}

static void pack_floats(size_t width, const uint8_t *source, size_t columns, size_t lane,
                        uint8_t *group) {
    if (width == 4) {
        for (size_t column = 0; column < columns; column++) {
            memcpy(group + (column * 16 + lane) * 4, source + column * 4, 4);
        }
    } else {
        for (size_t column = 0; column < columns; column++) {
            memcpy(group + (column * 16 + lane) * 2, source + column * 2, 2);
        }
    }
}

/// One row into lane `lane` of a group.
static void pack_row(
    uint32_t type, const uint8_t *row, size_t columns, size_t lane, uint8_t *group) {
    layout l;
    super_layout k;
    if (layout_of(type, &l)) {
        for (size_t block = 0; block < columns / 32; block++) {
            pack_block(&l, row + block * l.block_bytes, lane, group + block * l.block_bytes * 16);
        }
    } else if (super_layout_of(type, &k)) {
        for (size_t block = 0; block < columns / CK_SUPER_COLUMNS; block++) {
            ck_pack_super(type, row + block * k.bytes, lane, 16, group + block * k.bytes * 16);
        }
    } else {
        pack_floats(float_bytes(type), row, columns, lane, group);
    }
}

void ck_pack(
    uint32_t type, const void *source, size_t rows, size_t columns, size_t group_start,
    size_t group_end, void *packed) {
    size_t group_bytes = ck_group_bytes(type, columns);
    size_t row_bytes = group_bytes / 16;
    for (size_t group = group_start; group < group_end; group++) {
        uint8_t *out = (uint8_t *)packed + group * group_bytes;
        size_t lanes = rows - group * 16 < 16 ? rows - group * 16 : 16;
        if (lanes < 16) {
            memset(out, 0, group_bytes);
        }
        const uint8_t *first = (const uint8_t *)source + group * 16 * row_bytes;
        for (size_t lane = 0; lane < lanes; lane++) {
            pack_row(type, first + lane * row_bytes, columns, lane, out);
        }
    }
}

static float half_at(const uint8_t *p) {
    uint16_t bits;
    float value;
    memcpy(&bits, p, 2);
    ck_widen_f16(CK_PORTABLE, &bits, 1, &value);
    return value;
}

const int8_t ck_non_linear[16] = {
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

static void values_of_block(
    uint32_t type, const layout *l, const uint8_t *source, float *out) {
    float scale = half_at(source);
    float minimum = l->scales == 2 ? half_at(source + 2) : 0.0f;
    source += l->scales * 2;
    uint32_t fifth = 0;
    if (l->fifth) {
        memcpy(&fifth, source, 4);
        source += 4;
    }
    for (int i = 0; i < 32; i++) {
        int code = l->wide  ? (int)(source[i] ^ 0x80)
                   : i < 16 ? source[i] & 15
                            : source[i - 16] >> 4;
        code |= (int)((fifth >> i) & 1) << 4;
        code = type == CK_IQ4_NL ? ck_non_linear[code] : code - l->offset;
        float value = scale * (float)code;
        out[i] = l->scales == 2 ? value + minimum : value;
    }
}

static float value_at(uint32_t type, const uint8_t *p) {
    float value;
    if (type == CK_F32) {
        memcpy(&value, p, 4);
        return value;
    }
    if (type == CK_F16) {
        return half_at(p);
    }
    uint16_t bits;
    memcpy(&bits, p, 2);
    uint32_t word = (uint32_t)bits << 16;
    memcpy(&value, &word, 4);
    return value;
}

void ck_dequantise(uint32_t type, const void *source, size_t count, float *out) {
    layout l;
    super_layout k;
    const uint8_t *bytes = source;
    if (layout_of(type, &l)) {
        for (size_t block = 0; block < count / 32; block++) {
            values_of_block(type, &l, bytes + block * l.block_bytes, out + block * 32);
        }
        return;
    }
    if (super_layout_of(type, &k)) {
        for (size_t block = 0; block < count / CK_SUPER_COLUMNS; block++) {
            uint8_t one[256];
            ck_pack_super(type, bytes + block * k.bytes, 0, 1, one);
            ck_super_values(type, one, 0, 1, out + block * CK_SUPER_COLUMNS);
        }
        return;
    }
    size_t width = float_bytes(type);
    for (size_t i = 0; i < count; i++) {
        out[i] = value_at(type, bytes + i * width);
    }
}

/// Row `lane` of a packed block as the source block it was made from.
static void unpack_block(const layout *l, const uint8_t *block, size_t lane, uint8_t *out) {
    for (size_t i = 0; i < l->scales; i++) {
        memcpy(out + i * 2, block + i * 32 + lane * 2, 2);
    }
    block += l->scales * 32 + lane * 4;
    out += l->scales * 2;
    if (l->fifth) {
        uint32_t bits = 0;
        for (int weight = 0; weight < 32; weight++) {
            bits |= (uint32_t)((block[weight % 4] >> (weight / 4)) & 1) << weight;
        }
        memcpy(out, &bits, 4);
        out += 4;
        block += 64;
    }
    for (size_t run = 0; run < (l->wide ? 8 : 4); run++) {
        uint32_t codes;
        memcpy(&codes, block + run * 64, 4);
        codes ^= l->wide ? 0x80808080u : 0u;
        memcpy(out + run * 4, &codes, 4);
    }
}

void ck_unpack_row(const ck_matrix *matrix, size_t row, float *out) {
    layout l;
    super_layout k;
    size_t lane = row % 16;
    const uint8_t *group = (const uint8_t *)matrix->packed +
                           row / 16 * ck_group_bytes(matrix->type, matrix->columns);
    if (layout_of(matrix->type, &l)) {
        for (size_t block = 0; block < matrix->columns / 32; block++) {
            uint8_t source[34];
            unpack_block(&l, group + block * l.block_bytes * 16, lane, source);
            values_of_block(matrix->type, &l, source, out + block * 32);
        }
        return;
    }
    if (super_layout_of(matrix->type, &k)) {
        for (size_t block = 0; block < matrix->columns / CK_SUPER_COLUMNS; block++) {
            ck_super_values(matrix->type, group + block * k.bytes * 16, lane, 16,
                            out + block * CK_SUPER_COLUMNS);
        }
        return;
    }
    size_t width = float_bytes(matrix->type);
    for (size_t column = 0; column < matrix->columns; column++) {
        out[column] = value_at(matrix->type, group + (column * 16 + lane) * width);
    }
}
