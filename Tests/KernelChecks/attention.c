// SPDX-License-Identifier: Apache-2.0
// The KV cache and attention over it: heads of many sizes, f16 and q8, whole tiles, single queries,
// and segments summed up apart.
#include "check.h"

#include <stdio.h>
#include <string.h>

enum { PAGE_BLOCKS = 2, PAGE_KEYS = PAGE_BLOCKS * CK_KEY_BLOCK, PAGES_MAX = 16 };

typedef struct {
    char name[80];
    uint32_t type;
    size_t head_size, length, row_count, head_count, query_stride, out_stride;
    size_t page_bytes, pool_bytes, out_bytes;
    const float *keys, *values, *queries;
    /// The last page comes first in the pool.
    uint32_t pages[PAGES_MAX];
    const uint8_t *pool;
    /// (row_count, head_count, head_size), rows `out_stride` apart
    const float *whole;
} attention;

/// The pages as each instruction set fills them. What no key is in is NaN, read as f16.
static void fill_pages(attention *a) {
    size_t size = a->head_size * sizeof(float);
    size_t block_bytes = ck_kv_block_bytes(a->type, a->head_size);
    for (size_t i = 0; i < isa_count; i++) {
        uint8_t *pool = room(a->pool_bytes);
        memset(pool, 0x7E, a->pool_bytes);
        for (size_t position = 0; position < a->length; position++) {
            float *key = copy(a->keys + position * a->head_size, size);
            float *value = copy(a->values + position * a->head_size, size);
            uint8_t *block = pool + a->pages[position / PAGE_KEYS] * a->page_bytes +
                             position % PAGE_KEYS / CK_KEY_BLOCK * block_bytes;
            ck_store_kv(isas[i].code, a->type, key, value, a->head_size,
                        position % CK_KEY_BLOCK, block);
            clear_room(room_mark() - 2);
        }
        a->pool = i == 0 ? pool : a->pool;
        expect_same(a->name, isas[i].name, a->pool, pool, a->pool_bytes);
    }
}

static ck_attention request(const attention *a, float *out) {
    return (ck_attention){
        .pool = a->pool, .page_bytes = a->page_bytes, .pages = a->pages,
        .page_blocks = PAGE_BLOCKS, .kv_type = a->type, .scale = 0.25f,
        .head_size = a->head_size, .row_count = a->row_count, .head_count = a->head_count,
        .first_length = a->length - a->row_count + 1, .queries = a->queries,
        .query_stride = a->query_stride, .out = out, .out_stride = a->out_stride};
}

/// Each query by itself, from a buffer that holds only it.
static void check_queries(const attention *a, instruction_set isa) {
    size_t size = a->head_size * sizeof(float);
    float *query = room(size), *out = room(size);
    for (size_t row = 0; row < a->row_count; row++) {
        for (size_t head = 0; head < a->head_count; head++) {
            size_t at = head * a->head_size;
            memcpy(query, a->queries + row * a->query_stride + at, size);
            ck_attention one = request(a, out);
            one.row_count = one.head_count = 1;
            one.first_length += row;
            one.queries = query;
            ck_attend(isa.code, &one);
            expect_same(a->name, isa.name, a->whole + row * a->out_stride + at, out, size);
        }
    }
}

/// Segments by themselves, the last one first, then all together.
static void check_segments(const attention *a, instruction_set isa) {
    size_t segments = ck_segment_count(a->length);
    size_t count = segments * a->row_count * a->head_count * ck_partial_length(a->head_size);
    float *out = room(a->out_bytes);
    ck_attention all = request(a, out);
    all.partials = room(count * sizeof(float));
    for (size_t segment = segments; segment-- > 0;) {
        ck_attend_segments(isa.code, &all, segment, segment + 1);
    }
    ck_combine_segments(isa.code, &all);
    expect_same(a->name, isa.name, a->whole, out, a->out_bytes);
}

static void draw_sequence(attention *a, source *random) {
    size_t page_count = (a->length + PAGE_KEYS - 1) / PAGE_KEYS;
    for (size_t i = 0; i < page_count; i++) {
        a->pages[i] = (uint32_t)(page_count - 1 - i);
    }
    a->page_bytes = PAGE_BLOCKS * ck_kv_block_bytes(a->type, a->head_size);
    a->pool_bytes = page_count * a->page_bytes;
    a->query_stride = a->head_count * a->head_size + draw_size(random, 0, 5);
    a->out_stride = a->head_count * a->head_size + draw_size(random, 0, 5);
    size_t last = a->row_count - 1, row = a->head_count * a->head_size;
    a->out_bytes = (last * a->out_stride + row) * sizeof(float);
    a->keys = random_floats(random, a->length * a->head_size, 1);
    a->values = random_floats(random, a->length * a->head_size, 1);
    a->queries = random_floats(random, last * a->query_stride + row, 3);
}

static void check_heads(
    uint32_t type, size_t head_size, size_t length, size_t row_count, size_t head_count) {
    source random = source_of(head_size * 1013 + length * 7 + row_count);
    attention a = {.type = type, .head_size = head_size, .length = length,
                   .row_count = row_count, .head_count = head_count};
    snprintf(a.name, sizeof a.name, "attend %zu keys (%s), %zu rows of %zu heads of %zu", length,
             type == CK_KV_Q8 ? "q8" : "f16", row_count, head_count, head_size);
    draw_sequence(&a, &random);
    fill_pages(&a);
    for (size_t i = 0; i < isa_count; i++) {
        float *out = room(a.out_bytes);
        ck_attention all = request(&a, out), next = request(&a, out);
        next.first_length = draw_size(&random, 1, length - row_count + 1);
        size_t keys = next.first_length + row_count - 1;
        next.pages = copy(a.pages, (keys + PAGE_KEYS - 1) / PAGE_KEYS * sizeof *a.pages);
        all.next = &next;
        ck_attend(isas[i].code, &all);
        a.whole = i == 0 ? out : a.whole;
        expect_same(a.name, isas[i].name, a.whole, out, a.out_bytes);
        check_queries(&a, isas[i]);
        check_segments(&a, isas[i]);
    }
    report(a.name, a.pool, a.pool_bytes);
    report(a.name, a.whole, a.out_bytes);
    clear_room(0);
}

void check_attention(void) {
    const size_t sizes[] = {8, 24, 40, 64, 72, 80, 96, 112, 128, 256};
    source random = source_of(5);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (size_t head_count = 1; head_count <= 16; head_count++) {
            uint32_t type = head_count % 2 ? CK_KV_F16 : CK_KV_Q8;
            size_t rows = draw_size(&random, 1, CK_QUERIES_MAX / head_count);
            check_heads(type, sizes[i], draw_size(&random, rows, 200), rows, head_count);
        }
        for (uint32_t type = CK_KV_F16; type <= CK_KV_Q8; type++) {
            check_heads(type, sizes[i], 1, 1, 1);
            check_heads(type, sizes[i], 64, 16, 1);
            check_heads(type, sizes[i], draw_size(&random, 500, 900), 3, 2);
        }
    }
}
