// SPDX-License-Identifier: Apache-2.0
// Attention over the f16 cache in one pass with a running maximum and sum, 32 keys at a time.
//
// A query's arithmetic depends only on its own position: keys come in blocks fixed by position,
// lanes are keys for the scores and head elements for the values.
#ifndef CK_ATTENTION_H
#define CK_ATTENTION_H

#include "kernels.h"
#include "lanes.h"

#include <assert.h>

/// What has been seen so far by up to CK_QUERIES_MAX queries.
typedef struct {
    float maximum[CK_QUERIES_MAX];
    float sum[CK_QUERIES_MAX];
    float total[CK_QUERIES_MAX][CK_HEAD_SIZE_MAX];
    float keys[CK_HEAD_SIZE_MAX][CK_KEY_BLOCK];
    float values[CK_KEY_BLOCK][CK_HEAD_SIZE_MAX];
    const float *queries[CK_QUERIES_MAX];
    size_t lengths[CK_QUERIES_MAX];
} attention_state;

static void store_kv(
    const float *key, const float *value, size_t head_size, size_t position, uint16_t *keys,
    uint16_t *values) {
    uint16_t narrow[CK_HEAD_SIZE_MAX];
    narrow_f16(key, head_size, narrow);
    size_t block = position / CK_KEY_BLOCK, lane = position % CK_KEY_BLOCK;
    uint16_t *column = keys + block * head_size * CK_KEY_BLOCK + lane;
    for (size_t i = 0; i < head_size; i++) {
        column[i * CK_KEY_BLOCK] = narrow[i];
    }
    narrow_f16(value, head_size, values + position * ck_value_stride(head_size));
}

INLINE v16i lane_numbers(void) {
    return (v16i){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
}

/// Scores of R queries against a block, folded into their maxima and sums: out come the weights of
/// the keys and the factor for what was summed before.
INLINE void score_block(
    const int R, attention_state *state, size_t first, size_t head_size, float scale, size_t start,
    float weights[][CK_KEY_BLOCK], float *factors) {
    v16f low[4] = {0}, high[4] = {0};
    for (size_t i = 0; i < head_size; i++) {
        v16f a = load16(state->keys[i]);
        v16f b = load16(state->keys[i] + 16);
        _Pragma("clang loop unroll(full)") for (int r = 0; r < R; r++) {
            v16f q = state->queries[first + (size_t)r][i];
            low[r] = FMA(a, q, low[r]);
            high[r] = FMA(b, q, high[r]);
        }
    }
    _Pragma("clang loop unroll(full)") for (int r = 0; r < R; r++) {
        size_t query = first + (size_t)r;
        size_t length = state->lengths[query];
        int32_t seen = length <= start ? 0 : length - start < 32 ? (int32_t)(length - start) : 32;
        v16i lanes = lane_numbers();
        v16f none = -__builtin_inff();
        v16f a = lanes < seen ? low[r] * scale : none;
        v16f b = lanes + 16 < seen ? high[r] * scale : none;
        float before = state->maximum[query];
        float now = top16(max16(a, b));
        now = now > before ? now : before;
        a = exp16(a - now);
        b = exp16(b - now);
        float factor = exp16((v16f)(before - now)).x;
        state->maximum[query] = now;
        state->sum[query] = FMA(state->sum[query], factor, sum16(a + b));
        factors[r] = factor;
        store16(weights[r], a);
        store16(weights[r] + 16, b);
    }
}

/// Adds the block's values, weighted, to the totals of R queries.
INLINE void add_values(
    const int R, const int N, attention_state *state, size_t first, size_t offset, size_t key_count,
    float weights[][CK_KEY_BLOCK], const float *factors) {
    v16f total[4][4];
    _Pragma("clang loop unroll(full)") for (int r = 0; r < R; r++) {
        const float *from = state->total[first + (size_t)r] + offset;
        _Pragma("clang loop unroll(full)") for (int n = 0; n < N; n++) {
            total[r][n] = load16(from + n * 16) * factors[r];
        }
    }
    for (size_t key = 0; key < key_count; key++) {
        const float *value = state->values[key] + offset;
        _Pragma("clang loop unroll(full)") for (int n = 0; n < N; n++) {
            v16f v = load16(value + n * 16);
            _Pragma("clang loop unroll(full)") for (int r = 0; r < R; r++) {
                total[r][n] = FMA(v, (v16f)weights[r][key], total[r][n]);
            }
        }
    }
    _Pragma("clang loop unroll(full)") for (int r = 0; r < R; r++) {
        float *to = state->total[first + (size_t)r] + offset;
        _Pragma("clang loop unroll(full)") for (int n = 0; n < N; n++) {
            store16(to + n * 16, total[r][n]);
        }
    }
}

INLINE void visit_block(
    const int R, attention_state *state, size_t first, size_t head_size, float scale, size_t start,
    size_t key_count) {
    float weights[4][CK_KEY_BLOCK];
    float factors[4];
    score_block(R, state, first, head_size, scale, start, weights, factors);
    size_t stride = ck_value_stride(head_size);
    size_t offset = 0;
    for (; offset + 64 <= stride; offset += 64) {
        add_values(R, 4, state, first, offset, key_count, weights, factors);
    }
    for (; offset < stride; offset += 16) {
        add_values(R, 1, state, first, offset, key_count, weights, factors);
    }
}

static void widen_block(
    attention_state *state, const ck_attention *in, size_t start, size_t key_count) {
    size_t stride = ck_value_stride(in->head_size);
    const uint16_t *keys = in->keys + start * in->head_size;
    for (size_t i = 0; i < in->head_size; i++) {
        store16(state->keys[i], widen16(keys + i * CK_KEY_BLOCK));
        store16(state->keys[i] + 16, widen16(keys + i * CK_KEY_BLOCK + 16));
    }
    const uint16_t *values = in->values + start * stride;
    for (size_t key = 0; key < key_count; key++) {
        for (size_t i = 0; i < stride; i += 16) {
            store16(state->values[key] + i, widen16(values + key * stride + i));
        }
    }
}

static void attend(const ck_attention *in) {
    attention_state state;
    size_t count = in->row_count * in->head_count;
    assert(count <= CK_QUERIES_MAX && in->head_size <= CK_HEAD_SIZE_MAX);
    size_t stride = ck_value_stride(in->head_size);
    for (size_t i = 0; i < count; i++) {
        size_t row = i / in->head_count, head = i % in->head_count;
        state.queries[i] = in->queries + row * in->query_stride + head * in->head_size;
        state.lengths[i] = in->first_length + row;
        state.maximum[i] = -__builtin_inff();
        state.sum[i] = 0;
        __builtin_memset(state.total[i], 0, stride * sizeof(float));
    }
    size_t length = in->first_length + in->row_count - 1;
    for (size_t start = 0; start < length; start += CK_KEY_BLOCK) {
        size_t key_count = length - start < CK_KEY_BLOCK ? length - start : CK_KEY_BLOCK;
        widen_block(&state, in, start, key_count);
        size_t i = 0;
        for (; i + 4 <= count; i += 4) {
            visit_block(4, &state, i, in->head_size, in->scale, start, key_count);
        }
        switch (count - i) {
        case 3: visit_block(3, &state, i, in->head_size, in->scale, start, key_count); break;
        case 2: visit_block(2, &state, i, in->head_size, in->scale, start, key_count); break;
        case 1: visit_block(1, &state, i, in->head_size, in->scale, start, key_count); break;
        }
    }
    for (size_t i = 0; i < count; i++) {
        size_t row = i / in->head_count, head = i % in->head_count;
        float *out = in->out + row * in->out_stride + head * in->head_size;
        float inverse = 1.0f / state.sum[i];
        for (size_t d = 0; d < in->head_size; d++) {
            out[d] = state.total[i][d] * inverse;
        }
    }
}

#endif
