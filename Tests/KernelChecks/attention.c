// SPDX-License-Identifier: Apache-2.0
// The KV cache and attention over it: heads of many sizes, whole tiles and single queries.
#include "check.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    char name[64];
    size_t head_size, length, row_count, head_count, query_stride, out_stride;
    size_t key_bytes, value_bytes, query_bytes, out_bytes;
    const float *keys, *values, *queries;
    const uint16_t *key_cache, *value_cache;
    /// (row_count, head_count, head_size), rows `out_stride` apart
    const float *whole;
} attention;

/// What the cache holds behind the sequence is not a number.
static uint16_t *empty_cache(size_t bytes) {
    uint16_t *cache = room(bytes);
    for (size_t i = 0; i < bytes / 2; i++) {
        cache[i] = 0x7E00;
    }
    return cache;
}

static void fill_caches(attention *a) {
    for (size_t i = 0; i < isa_count; i++) {
        uint16_t *keys = empty_cache(a->key_bytes), *values = empty_cache(a->value_bytes);
        size_t size = a->head_size * sizeof(float);
        float *key = room(size), *value = room(size);
        for (size_t position = 0; position < a->length; position++) {
            memcpy(key, a->keys + position * a->head_size, size);
            memcpy(value, a->values + position * a->head_size, size);
            ck_store_kv(isas[i].code, key, value, a->head_size, position, keys, values);
        }
        if (i == 0) {
            a->key_cache = keys;
            a->value_cache = values;
        }
        expect_same(a->name, isas[i].name, a->key_cache, keys, a->key_bytes);
        expect_same(a->name, isas[i].name, a->value_cache, values, a->value_bytes);
    }
}

static ck_attention request(const attention *a, float *out) {
    return (ck_attention){
        .keys = a->key_cache, .values = a->value_cache, .head_size = a->head_size, .scale = 0.25f,
        .row_count = a->row_count, .head_count = a->head_count,
        .first_length = a->length - a->row_count + 1, .queries = a->queries,
        .query_stride = a->query_stride, .out = out, .out_stride = a->out_stride};
}

/// Each query by itself, from a buffer that holds only it.
static void check_queries(const attention *a) {
    size_t size = a->head_size * sizeof(float);
    float *query = room(size), *out = room(size);
    for (size_t i = 0; i < isa_count; i++) {
        for (size_t row = 0; row < a->row_count; row++) {
            for (size_t head = 0; head < a->head_count; head++) {
                size_t at = head * a->head_size;
                memcpy(query, a->queries + row * a->query_stride + at, size);
                ck_attention one = request(a, out);
                one.row_count = one.head_count = 1;
                one.first_length += row;
                one.queries = query;
                ck_attend(isas[i].code, &one);
                expect_same(a->name, isas[i].name, a->whole + row * a->out_stride + at, out, size);
            }
        }
    }
}

static void check_heads(size_t head_size, size_t length, size_t row_count, size_t head_count) {
    source random = source_of(head_size * 1013 + length * 7 + row_count);
    attention a = {.head_size = head_size, .length = length, .row_count = row_count,
                   .head_count = head_count};
    snprintf(a.name, sizeof a.name, "attend %zu keys, %zu rows of %zu heads of %zu", length,
             row_count, head_count, head_size);
    size_t positions = (length + CK_KEY_BLOCK - 1) / CK_KEY_BLOCK * CK_KEY_BLOCK;
    a.key_bytes = positions * head_size * sizeof(uint16_t);
    a.value_bytes = positions * ck_value_stride(head_size) * sizeof(uint16_t);
    a.query_stride = head_count * head_size + draw_size(&random, 0, 5);
    a.out_stride = head_count * head_size + draw_size(&random, 0, 5);
    size_t query_count = (row_count - 1) * a.query_stride + head_count * head_size;
    a.out_bytes = ((row_count - 1) * a.out_stride + head_count * head_size) * sizeof(float);
    a.keys = random_floats(&random, length * head_size, 1);
    a.values = random_floats(&random, length * head_size, 1);
    a.queries = random_floats(&random, query_count, 3);
    fill_caches(&a);
    for (size_t i = 0; i < isa_count; i++) {
        float *out = room(a.out_bytes);
        ck_attention all = request(&a, out);
        ck_attend(isas[i].code, &all);
        a.whole = i == 0 ? out : a.whole;
        expect_same(a.name, isas[i].name, a.whole, out, a.out_bytes);
    }
    report(a.name, a.whole, a.out_bytes);
    check_queries(&a);
    clear_room(0);
}

void check_attention(void) {
    const size_t sizes[] = {8, 24, 40, 64, 72, 80, 96, 112, 128, 256};
    source random = source_of(5);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (size_t head_count = 1; head_count <= 16; head_count++) {
            size_t rows = draw_size(&random, 1, CK_QUERIES_MAX / head_count);
            check_heads(sizes[i], draw_size(&random, rows, 200), rows, head_count);
        }
        check_heads(sizes[i], 1, 1, 1);
        check_heads(sizes[i], 64, 16, 1);
    }
}
