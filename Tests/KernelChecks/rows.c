// SPDX-License-Identifier: Apache-2.0
// Kernels over one row: conversions, quantisation, norm, rotation, gate, log-sum-exp.
#include "check.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    size_t count;
    const float *a, *b;
    const uint16_t *halves;
    size_t head_count, head_size, dimensions;
} input;

typedef void (*kernel)(ck_isa isa, const input *in, void *out);

static void compare(const char *kind, kernel run, const input *in, size_t out_bytes) {
    char name[64];
    snprintf(name, sizeof name, "%s %zu", kind, in->count);
    void *expected = room(out_bytes);
    run(CK_PORTABLE, in, expected);
    report(name, expected, out_bytes);
    for (size_t i = 1; i < isa_count; i++) {
        void *found = room(out_bytes);
        run(isas[i].code, in, found);
        expect_same(name, isas[i].name, expected, found, out_bytes);
    }
}

static void norm(ck_isa isa, const input *in, void *out) {
    ck_rms_norm(isa, in->a, in->b, in->count, 1e-5f, out);
}

static void gate(ck_isa isa, const input *in, void *out) {
    memcpy(out, in->a, in->count * sizeof(float));
    ck_swiglu(isa, out, in->b, in->count);
}

static void sum_exponentials(ck_isa isa, const input *in, void *out) {
    size_t parts = (in->count + CK_LOGIT_PART - 1) / CK_LOGIT_PART;
    float *largest = room(parts * sizeof(float)), *sums = out;
    ck_logits logits = {in->a, in->count, largest, sums};
    // In two runs, the second one first.
    ck_logit_parts(isa, &logits, parts / 2, parts);
    ck_logit_parts(isa, &logits, 0, parts / 2);
    sums[parts] = ck_log_sum_exp(isa, &logits);
}

static void widen(ck_isa isa, const input *in, void *out) {
    ck_widen_f16(isa, in->halves, in->count, out);
}

static void narrow(ck_isa isa, const input *in, void *out) {
    ck_narrow_f16(isa, in->a, in->count, out);
}

static void rotate(ck_isa isa, const input *in, void *out) {
    memcpy(out, in->a, in->count * sizeof(float));
    ck_rope(isa, out, in->head_count, in->head_size, in->dimensions, in->b);
}

static void quantise_codes(ck_isa isa, const input *in, void *out) {
    ck_block *blocks = room(in->count / 32 * sizeof(ck_block));
    ck_quantise(isa, in->a, in->count, 1, out, blocks);
}

static void quantise_blocks(ck_isa isa, const input *in, void *out) {
    int8_t *codes = room(in->count);
    ck_quantise(isa, in->a, in->count, 1, codes, out);
}

/// Floats of any bits, but that NaNs are quiet already.
static float *random_bits(source *random, size_t count) {
    float *values = room(count * sizeof(float));
    for (size_t i = 0; i < count; i++) {
        uint32_t bits = (uint32_t)draw(random);
        bits |= (bits & 0x7fffffffu) > 0x7f800000u ? 0x400000u : 0u;
        memcpy(&values[i], &bits, 4);
    }
    return values;
}

static void check_count(source *random, size_t count) {
    size_t bytes = count * sizeof(float);
    size_t sums = ((count + CK_LOGIT_PART - 1) / CK_LOGIT_PART + 1) * sizeof(float);
    input in = {.count = count, .a = random_floats(random, count, 9),
                .b = random_floats(random, count, 3)};
    compare("norm", norm, &in, bytes);
    compare("gate", gate, &in, bytes);
    compare("log-sum-exp", sum_exponentials, &in, sums);
    in.a = random_floats(random, count, 200);
    compare("gate of large numbers", gate, &in, bytes);
    in.a = random_bits(random, count);
    compare("log-sum-exp of any bits", sum_exponentials, &in, sums);
    compare("narrow", narrow, &in, count * sizeof(uint16_t));
    uint16_t *halves = room(count * sizeof(uint16_t));
    for (size_t i = 0; i < count; i++) {
        halves[i] = (uint16_t)draw(random);
    }
    in.halves = halves;
    compare("widen", widen, &in, bytes);
    clear_room(0);
}

static void check_rotation(source *random, size_t head_size) {
    size_t head_count = draw_size(random, 1, 9);
    size_t dimensions = draw_size(random, 1, head_size / 2) * 2;
    float *frequencies = room(dimensions / 2 * sizeof(float));
    float *table = room(2 * dimensions * sizeof(float));
    float *factors = random_floats(random, dimensions / 2, 1);
    for (size_t i = 0; i < dimensions / 2; i++) {
        factors[i] += 2;
    }
    ck_rope_frequencies(500000, dimensions, draw(random) & 1 ? factors : NULL, frequencies);
    ck_rope_table((double)draw_size(random, 0, 131072), frequencies, dimensions / 2, table);
    report("table", table, 2 * dimensions * sizeof(float));
    size_t count = head_count * head_size;
    input in = {.count = count, .a = random_floats(random, count, 3), .b = table,
                .head_count = head_count, .head_size = head_size, .dimensions = dimensions};
    compare("rotate", rotate, &in, count * sizeof(float));
    clear_room(0);
}

static void check_quantisation(source *random, size_t blocks) {
    float *values = random_floats(random, blocks * 32, 7);
    for (size_t i = 0; i < blocks * 32; i++) {
        size_t kind = i / 32 % 5;
        if (kind == 1) {
            values[i] = (float)(int)values[i];
        } else if (kind == 2) {
            values[i] *= 1e30f;
        } else if (kind == 3) {
            values[i] *= i % 2 ? 1e-33f : 0.0f;
        }
    }
    input in = {.count = blocks * 32, .a = values};
    compare("quantise to codes", quantise_codes, &in, blocks * 32);
    compare("quantise to blocks", quantise_blocks, &in, blocks * sizeof(ck_block));
    clear_room(0);
}

void check_rows(void) {
    source random = source_of(7);
    for (size_t count = 1; count <= 35; count++) {
        check_count(&random, count);
    }
    for (int i = 0; i < 6; i++) {
        check_count(&random, draw_size(&random, 36, 3000));
    }
    const size_t sizes[] = {2, 8, 24, 64, 72, 80, 96, 112, 128, 256};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        check_rotation(&random, sizes[i]);
        check_quantisation(&random, i + 1);
    }
    uint16_t *halves = room(65536 * sizeof(uint16_t));
    for (size_t i = 0; i < 65536; i++) {
        halves[i] = (uint16_t)i;
    }
    input all = {.count = 65536, .halves = halves};
    compare("widen", widen, &all, 65536 * sizeof(float));
    clear_room(0);
}
