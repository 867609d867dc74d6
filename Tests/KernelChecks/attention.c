// SPDX-License-Identifier: Apache-2.0
// The KV cache and attention over it: heads of many sizes, whole tiles and single queries.
#include "check.h"

#include <stdio.h>
#include <string.h>

enum { PAGE_BLOCKS = 2, PAGE_POSITIONS = PAGE_BLOCKS * CK_KEY_BLOCK };

typedef struct {
    char name[80];
    uint32_t kv_type;
    size_t head_size, length, row_count, head_count, query_stride, out_stride;
    size_t block_bytes, page_bytes, pool_bytes, query_bytes, out_bytes;
    const float *keys, *values, *queries;
    const uint8_t *pool;
    const uint32_t *pages;
    /// (row_count, head_count, head_size), rows `out_stride` apart
    const float *whole;
} attention;

/// The last page comes first.
static const uint32_t *reversed_pages(size_t count) {
    uint32_t *pages = room(count * sizeof(uint32_t));
    for (size_t i = 0; i < count; i++) {
        pages[i] = (uint32_t)(count - 1 - i);
    }
    return pages;
}

static void fill_pools(attention *a) {
    for (size_t i = 0; i < isa_count; i++) {
        uint8_t *pool = room(a->pool_bytes);
        // What the cache holds behind the sequence is not a number.
        memset(pool, 0x7E, a->pool_bytes);
        size_t size = a->head_size * sizeof(float);
        float *key = room(size), *value = room(size);
        for (size_t position = 0; position < a->length; position++) {
            memcpy(key, a->keys + position * a->head_size, size);
            memcpy(value, a->values + position * a->head_size, size);
            uint8_t *page = pool + a->pages[position / PAGE_POSITIONS] * a->page_bytes;
            ck_store_kv(
                isas[i].code, a->kv_type, key, value, a->head_size, position % CK_KEY_BLOCK,
                page + position % PAGE_POSITIONS / CK_KEY_BLOCK * a->block_bytes);
        }
        a->pool = i == 0 ? pool : a->pool;
        expect_same(a->name, isas[i].name, a->pool, pool, a->pool_bytes);
    }
}

static ck_attention request(const attention *a, float *out) {
    return (ck_attention){
        .pool = a->pool, .page_bytes = a->page_bytes, .pages = a->pages,
        .page_blocks = PAGE_BLOCKS, .kv_type = a->kv_type, .scale = 0.25f,
        .head_size = a->head_size, .row_count = a->row_count, .head_count = a->head_count,
        .first_length = a->length - a->row_count + 1, .queries = a->queries, .out = out,
        .query_stride = a->query_stride, .out_stride = a->out_stride};
}

/// The segments by themselves, the last one first, and then what they give together.
static void check_segments(const attention *a) {
    size_t count = ck_segment_count(a->length);
    size_t floats = a->row_count * a->head_count * ck_partial_length(a->head_size);
    for (size_t i = 0; i < isa_count; i++) {
        float *out = room(a->out_bytes);
        ck_attention all = request(a, out);
        all.partials = room(count * floats * sizeof(float));
        for (size_t segment = count; segment > 0; segment--) {
            ck_attend_segments(isas[i].code, &all, segment - 1, segment);
        }
        ck_combine_segments(isas[i].code, &all);
        expect_same(a->name, isas[i].name, a->whole, out, a->out_bytes);
    }
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

static void check_heads(
    uint32_t kv_type, size_t head_size, size_t length, size_t row_count, size_t head_count) {
    source random = source_of(head_size * 1013 + length * 7 + row_count);
    attention a = {.kv_type = kv_type, .head_size = head_size, .length = length,
                   .row_count = row_count, .head_count = head_count};
    snprintf(a.name, sizeof a.name, "attend %zu keys as %s, %zu rows of %zu heads of %zu", length,
             kv_type == CK_KV_Q8 ? "q8" : "f16", row_count, head_count, head_size);
    size_t page_count = (length + PAGE_POSITIONS - 1) / PAGE_POSITIONS;
    a.block_bytes = ck_kv_block_bytes(kv_type, head_size);
    a.page_bytes = PAGE_BLOCKS * a.block_bytes;
    a.pool_bytes = page_count * a.page_bytes;
    a.pages = reversed_pages(page_count);
    a.query_stride = head_count * head_size + draw_size(&random, 0, 5);
    a.out_stride = head_count * head_size + draw_size(&random, 0, 5);
    size_t query_count = (row_count - 1) * a.query_stride + head_count * head_size;
    a.out_bytes = ((row_count - 1) * a.out_stride + head_count * head_size) * sizeof(float);
    a.keys = random_floats(&random, length * head_size, 1);
    a.values = random_floats(&random, length * head_size, 1);
    a.queries = random_floats(&random, query_count, 3);
    fill_pools(&a);
    for (size_t i = 0; i < isa_count; i++) {
        float *out = room(a.out_bytes);
        ck_attention all = request(&a, out);
        ck_attend(isas[i].code, &all);
        a.whole = i == 0 ? out : a.whole;
        expect_same(a.name, isas[i].name, a.whole, out, a.out_bytes);
    }
    report(a.name, a.whole, a.out_bytes);
    check_queries(&a);
    check_segments(&a);
    clear_room(0);
}

void check_attention(void) {
    const size_t sizes[] = {8, 24, 40, 64, 72, 80, 96, 112, 128, 256};
    source random = source_of(5);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (uint32_t type = CK_KV_F16; type <= CK_KV_Q8; type++) {
            for (size_t head_count = 1; head_count <= 16; head_count++) {
                size_t rows = draw_size(&random, 1, CK_QUERIES_MAX / head_count);
                check_heads(type, sizes[i], draw_size(&random, rows, 200), rows, head_count);
            }
            check_heads(type, sizes[i], 1, 1, 1);
            check_heads(type, sizes[i], 64, 16, 1);
            check_heads(type, sizes[i], 258, 4, 2);
            check_heads(type, sizes[i], draw_size(&random, 512, 1200), 3, 2);
        }
    }
}
