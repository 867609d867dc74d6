// SPDX-License-Identifier: Apache-2.0
// Attention over the pages of the KV cache in one pass with a running maximum and sum.
//
// A query's arithmetic depends only on its own position: keys come in runs and segments fixed by
// position, lanes are keys for the scores and head elements for the values. Each segment is summed
// up from nothing and the segments are added in order, so that threads may share them.
#ifndef CK_ATTENTION_H
#define CK_ATTENTION_H

#include "kernels.h"
#include "kv_block.h"
#include "lanes.h"

#include <assert.h>

/// Keys between two looks at the maximum, in blocks.
enum { RUN_BLOCKS = 4, RUN_KEYS = RUN_BLOCKS * CK_KEY_BLOCK };
/// Queries that go through a block together: 4, or 8 where registers hold as many totals.
enum { QUERY_GROUP = CK_LANES == 16 ? 8 : 4 };
/// Vectors that a loop keeps for each of 4 of them: as many as there are registers for.
enum { KEY_HALVES = CK_LANES == 16 ? 2 : 1, VALUE_VECTORS = CK_LANES == 16 ? 4 : 1 };

/// What some keys give one query: Σ exp(score - maximum), and the same sum of values.
typedef struct {
    float maximum;
    float sum;
    float *total; // (stride)
} sums;

typedef struct {
    const ck_attention *in;
    size_t count;
    size_t stride;
    const float *queries[CK_QUERIES_MAX];
    size_t lengths[CK_QUERIES_MAX];
    /// Of the present segment, and of all before it.
    sums segment[CK_QUERIES_MAX];
    sums merged[CK_QUERIES_MAX];
    float weights[CK_QUERIES_MAX][RUN_KEYS];
    float totals[2][CK_QUERIES_MAX][CK_HEAD_SIZE_MAX];
} attention_state;

/// How elements are stored where a loop reads them.
enum { READ_F16, READ_I8 };

INLINE v16f read16(const int source, const void *from, size_t index) {
    if (source == READ_F16) {
        return widen16((const uint16_t *)from + index);
    }
    v16b codes;
    __builtin_memcpy(&codes, (const int8_t *)from + index, sizeof codes);
    return __builtin_convertvector(codes, v16f);
}

/// Asks for what is read four blocks later, at the element that is read now; once for a cache line.
INLINE void fetch_ahead(const int source, const uint8_t *ahead, size_t index) {
    __builtin_prefetch(ahead + index * (source == READ_F16 ? 2 : 1), 0, 2);
}

/// The dot products of R queries with a block's keys, 16 · KEY_HALVES lanes at a time.
INLINE void score_block(
    const int R, const int source, const bool scaled, attention_state *state, size_t first,
    const void *keys, const uint16_t *scales, size_t lane, const uint8_t *ahead) {
    size_t head_size = state->in->head_size;
    for (size_t half = 0; half < 2; half += KEY_HALVES) {
        v16f sum[QUERY_GROUP][KEY_HALVES] = {{0}};
        size_t step = scaled ? CK_KV_GROUP : head_size;
        for (size_t start = 0; start < head_size; start += step) {
            size_t end = start + step < head_size ? start + step : head_size;
            v16f part[QUERY_GROUP][KEY_HALVES] = {{0}};
            for (size_t i = start; i < end; i++) {
                if (half == 0) {
                    fetch_ahead(source, ahead, i * CK_KEY_BLOCK);
                }
                _Pragma("clang loop unroll(full)") for (int h = 0; h < KEY_HALVES; h++) {
                    v16f key = read16(source, keys, i * CK_KEY_BLOCK + (half + (size_t)h) * 16);
                    _Pragma("clang loop unroll(full)") for (int r = 0; r < R; r++) {
                        v16f q = state->queries[first + (size_t)r][i];
                        part[r][h] = FMA(key, q, part[r][h]);
                    }
                }
            }
            _Pragma("clang loop unroll(full)") for (int h = 0; h < KEY_HALVES; h++) {
                v16f scale = 1.0f;
                if (scaled) {
                    scale = widen16(scales + start + (half + (size_t)h) * 16);
                }
                _Pragma("clang loop unroll(full)") for (int r = 0; r < R; r++) {
                    sum[r][h] = scaled ? FMA(part[r][h], scale, sum[r][h]) : part[r][h];
                }
            }
        }
        _Pragma("clang loop unroll(full)") for (int r = 0; r < R; r++) {
            float *to = state->weights[first + (size_t)r] + lane + half * 16;
            _Pragma("clang loop unroll(full)") for (int h = 0; h < KEY_HALVES; h++) {
                store16(to + h * 16, sum[r][h]);
            }
        }
    }
}

INLINE v16i lane_numbers(void) {
    return (v16i){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
}

/// Turns the dot products of a run into scores, those of keys that the query doesn't see into the
/// least; the largest of them.
static float score_run(float *scores, float scale, size_t seen) {
    v16f largest = -__builtin_inff();
    for (size_t lane = 0; lane < seen; lane += 16) {
        v16f score = load16(scores + lane) * scale;
        score = lane_numbers() < (int32_t)(seen - lane) ? score : (v16f)-__builtin_inff();
        store16(scores + lane, score);
        largest = max16(largest, score);
    }
    return top16(largest);
}

/// Turns the scores of a run into the weights of its keys; the sum of them.
static float exponentiate(float *scores, float maximum, size_t seen, size_t lane_count) {
    v16f sum = 0;
    for (size_t lane = 0; lane < lane_count; lane += 16) {
        v16f weight = lane < seen ? exp16(load16(scores + lane) - maximum) : (v16f)0.0f;
        store16(scores + lane, weight);
        sum += weight;
    }
    return sum16(sum);
}

/// Turns the dot products of the run from `start` to before `end` into the weights of its keys, for
/// the queries from `first` on, and brings what was summed before to the new maxima.
///
/// One step of all queries after the other: a query's own steps wait for each other.
static void weigh_run(attention_state *state, size_t first, size_t start, size_t end) {
    size_t lane_count = (end - start + CK_KEY_BLOCK - 1) / CK_KEY_BLOCK * CK_KEY_BLOCK;
    size_t seen[CK_QUERIES_MAX];
    float before[CK_QUERIES_MAX] = {0}, now[CK_QUERIES_MAX] = {0}, factors[CK_QUERIES_MAX];
    for (size_t query = first; query < state->count; query++) {
        size_t length = state->lengths[query];
        seen[query] = (length < end ? length : end) - start;
        before[query] = state->segment[query].maximum;
        now[query] = score_run(state->weights[query], state->in->scale, seen[query]);
    }
    v16f old = load16(before), new = load16(now);
    new = new > old ? new : old;
    store16(now, new);
    store16(factors, exp16(old - new));
    for (size_t query = first; query < state->count; query++) {
        sums *sums = &state->segment[query];
        float sum = exponentiate(state->weights[query], now[query], seen[query], lane_count);
        sums->maximum = now[query];
        sums->sum = FMA(sums->sum, factors[query], sum);
        for (size_t i = 0; factors[query] != 1.0f && i < state->stride; i += 16) {
            store16(sums->total + i, load16(sums->total + i) * factors[query]);
        }
    }
}

/// Adds N vectors of a block's values from `offset` on, weighted, to the totals of R queries.
INLINE void add_values(
    const int R, const int N, const int source, attention_state *state, size_t first,
    size_t offset, size_t key_count, const void *values, const float *const *weights,
    const uint8_t *ahead) {
    v16f total[QUERY_GROUP][4];
    _Pragma("clang loop unroll(full)") for (int r = 0; r < R; r++) {
        const float *from = state->segment[first + (size_t)r].total + offset;
        _Pragma("clang loop unroll(full)") for (int n = 0; n < N; n++) {
            total[r][n] = load16(from + n * 16);
        }
    }
    for (size_t key = 0; key < key_count; key++) {
        _Pragma("clang loop unroll(full)") for (int n = 0; n < N; n++) {
            size_t index = key * state->stride + offset + (size_t)n * 16;
            if (n % 2 == 0) {
                fetch_ahead(source, ahead, index);
            }
            v16f v = read16(source, values, index);
            _Pragma("clang loop unroll(full)") for (int r = 0; r < R; r++) {
                total[r][n] = FMA(v, (v16f)weights[r][key], total[r][n]);
            }
        }
    }
    _Pragma("clang loop unroll(full)") for (int r = 0; r < R; r++) {
        float *to = state->segment[first + (size_t)r].total + offset;
        _Pragma("clang loop unroll(full)") for (int n = 0; n < N; n++) {
            store16(to + n * 16, total[r][n]);
        }
    }
}

/// Adds a block's values, of the run's lanes from `lane` on, to the totals of R queries.
INLINE void add_run_block(
    const int R, const int source, const bool scaled, attention_state *state, size_t first,
    size_t lane, size_t key_count, const void *values, const uint16_t *scales,
    const uint8_t *ahead) {
    const float *weights[QUERY_GROUP];
    float products[QUERY_GROUP][CK_KEY_BLOCK];
    for (int r = 0; r < R; r++) {
        weights[r] = state->weights[first + (size_t)r] + lane;
    }
    if (!scaled) {
        size_t offset = 0;
        const int N = R > 4 ? VALUE_VECTORS / 2 : VALUE_VECTORS;
        for (; offset + (size_t)N * 16 <= state->stride; offset += (size_t)N * 16) {
            add_values(R, N, source, state, first, offset, key_count, values, weights, ahead);
        }
        for (; offset < state->stride; offset += 16) {
            add_values(
                R, 1, source, state, first, offset, key_count, values, weights, ahead);
        }
        return;
    }
    const float *scaled_weights[QUERY_GROUP];
    for (size_t start = 0; start < state->stride; start += CK_KV_GROUP) {
        v16f low = widen16(scales + start), high = widen16(scales + start + 16);
        for (int r = 0; r < R; r++) {
            store16(products[r], load16(weights[r]) * low);
            store16(products[r] + 16, load16(weights[r] + 16) * high);
            scaled_weights[r] = products[r];
        }
        if (VALUE_VECTORS > 1 && start + CK_KV_GROUP <= state->stride) {
            add_values(
                R, 2, source, state, first, start, key_count, values, scaled_weights, ahead);
            continue;
        }
        for (size_t at = start; at < start + CK_KV_GROUP && at < state->stride; at += 16) {
            add_values(
                R, 1, source, state, first, at, key_count, values, scaled_weights, ahead);
        }
    }
}

/// Calls `visit(R)` for groups of at most QUERY_GROUP queries from `first` on.
#define FOR_QUERY_GROUPS(state, first, query, visit)                                               \
    size_t query = first;                                                                          \
    for (; QUERY_GROUP == 8 && query + 8 <= (state)->count; query += 8) {                          \
        visit(8);                                                                                  \
    }                                                                                              \
    for (; query + 4 <= (state)->count; query += 4) {                                              \
        visit(4);                                                                                  \
    }                                                                                              \
    switch ((state)->count - query) {                                                              \
    case 3: visit(3); break;                                                                       \
    case 2: visit(2); break;                                                                       \
    case 1: visit(1); break;                                                                       \
    }

INLINE void score_keys(
    const int source, attention_state *state, size_t first, kv_block block, size_t lane) {
    const bool scaled = source == READ_I8;
#define VISIT(R)                                                                                   \
    score_block(                                                                                   \
        R, source, scaled, state, query, block.keys, block.key_scales, lane, block.values)
    FOR_QUERY_GROUPS(state, first, query, VISIT)
#undef VISIT
}

INLINE void sum_values(
    const int source, attention_state *state, size_t first, kv_block block, const uint8_t *ahead,
    size_t lane, size_t key_count) {
    const bool scaled = source == READ_I8;
#define VISIT(R)                                                                                   \
    add_run_block(                                                                                 \
        R, source, scaled, state, query, lane, key_count, block.values, block.value_scales,        \
        ahead)
    FOR_QUERY_GROUPS(state, first, query, VISIT)
#undef VISIT
}

static kv_block block_at(const ck_attention *in, size_t position) {
    size_t index = position / CK_KEY_BLOCK;
    size_t page = in->pages[index / in->page_blocks];
    uint8_t *block = (uint8_t *)in->pool + page * in->page_bytes +
                     index % in->page_blocks * ck_kv_block_bytes(in->kv_type, in->head_size);
    return kv_parts(in->kv_type, in->head_size, block);
}

/// Keys that the last row sees.
static size_t key_total(const ck_attention *in) { return in->first_length + in->row_count - 1; }

/// The keys in the same place of the run after the one that begins at `start`, be it of the next
/// call, or else these.
static const uint8_t *keys_ahead(const ck_attention *in, size_t start, size_t position) {
    size_t next = position + RUN_KEYS;
    if (next < key_total(in)) {
        return block_at(in, next).keys;
    }
    if (in->next && position - start < key_total(in->next)) {
        return block_at(in->next, position - start).keys;
    }
    return block_at(in, position).keys;
}

/// The first query that sees the key at `position`.
static size_t first_seeing(const ck_attention *in, size_t position) {
    size_t row = position < in->first_length ? 0 : position + 1 - in->first_length;
    return row * in->head_count;
}

INLINE void visit_run(const int source, attention_state *state, size_t start, size_t end) {
    size_t first = first_seeing(state->in, start);
    for (size_t at = start; at < end; at += CK_KEY_BLOCK) {
        score_keys(source, state, first, block_at(state->in, at), at - start);
    }
    weigh_run(state, first, start, end);
    for (size_t at = start; at < end; at += CK_KEY_BLOCK) {
        size_t key_count = end - at < CK_KEY_BLOCK ? end - at : CK_KEY_BLOCK;
        const uint8_t *ahead = keys_ahead(state->in, start, at);
        sum_values(
            source, state, first, block_at(state->in, at), ahead, at - start, key_count);
    }
}

/// What the queries from `first` on get from one segment.
static void visit_segment(attention_state *state, size_t first, size_t start, size_t end) {
    for (size_t query = first; query < state->count; query++) {
        state->segment[query].maximum = -__builtin_inff();
        state->segment[query].sum = 0;
        __builtin_memset(state->segment[query].total, 0, state->stride * sizeof(float));
    }
    for (size_t run = start; run < end; run += RUN_KEYS) {
        size_t run_end = end - run < RUN_KEYS ? end : run + RUN_KEYS;
        if (state->in->kv_type == CK_KV_Q8) {
            visit_run(READ_I8, state, run, run_end);
        } else {
            visit_run(READ_F16, state, run, run_end);
        }
    }
}

/// Adds what a later segment gave.
static void merge(sums *to, const sums *from, size_t stride) {
    float now = from->maximum > to->maximum ? from->maximum : to->maximum;
    v16f old = exp16((v16f)(to->maximum - now)).x;
    v16f new = exp16((v16f)(from->maximum - now)).x;
    to->maximum = now;
    to->sum = FMA(to->sum, old.x, from->sum * new.x);
    for (size_t i = 0; i < stride; i += 16) {
        store16(to->total + i, FMA(load16(to->total + i), old, load16(from->total + i) * new));
    }
}

static void take_in(attention_state *state, size_t query, size_t segment, const sums *from) {
    sums *to = &state->merged[query];
    if (segment > 0) {
        merge(to, from, state->stride);
        return;
    }
    to->maximum = from->maximum;
    to->sum = from->sum;
    __builtin_memcpy(to->total, from->total, state->stride * sizeof(float));
}

static void begin(attention_state *state, const ck_attention *in) {
    state->in = in;
    state->count = in->row_count * in->head_count;
    assert(state->count <= CK_QUERIES_MAX && in->head_size <= CK_HEAD_SIZE_MAX);
    state->stride = value_stride(in->head_size);
    for (size_t i = 0; i < state->count; i++) {
        size_t row = i / in->head_count, head = i % in->head_count;
        state->queries[i] = in->queries + row * in->query_stride + head * in->head_size;
        state->lengths[i] = in->first_length + row;
        state->segment[i].total = state->totals[0][i];
        state->merged[i].total = state->totals[1][i];
    }
}

static void finish(const attention_state *state) {
    const ck_attention *in = state->in;
    for (size_t i = 0; i < state->count; i++) {
        size_t row = i / in->head_count, head = i % in->head_count;
        float *out = in->out + row * in->out_stride + head * in->head_size;
        float inverse = 1.0f / state->merged[i].sum;
        for (size_t d = 0; d < in->head_size; d++) {
            out[d] = state->merged[i].total[d] * inverse;
        }
    }
}

/// Where one segment's sums of one query are kept: maximum and sum, then from 16 on the totals.
static float *partial(const ck_attention *in, size_t segment, size_t query) {
    size_t count = in->row_count * in->head_count;
    return in->partials + (segment * count + query) * ck_partial_length(in->head_size);
}

static void keep(attention_state *state, size_t segment, size_t query) {
    float *to = partial(state->in, segment, query);
    to[0] = state->segment[query].maximum;
    to[1] = state->segment[query].sum;
    __builtin_memcpy(to + 16, state->segment[query].total, state->stride * sizeof(float));
}

static void attend(const ck_attention *in, size_t segment_start, size_t segment_end) {
    attention_state state;
    begin(&state, in);
    size_t length = key_total(in);
    for (size_t segment = segment_start; segment < segment_end; segment++) {
        size_t start = ck_segment_start(segment), end = ck_segment_start(segment + 1);
        size_t first = first_seeing(in, start);
        visit_segment(&state, first, start, end < length ? end : length);
        for (size_t query = first; query < state.count; query++) {
            if (in->partials) {
                keep(&state, segment, query);
            } else {
                take_in(&state, query, segment, &state.segment[query]);
            }
        }
    }
    if (!in->partials) {
        finish(&state);
    }
}

static void combine_segments(const ck_attention *in) {
    attention_state state;
    begin(&state, in);
    for (size_t query = 0; query < state.count; query++) {
        size_t segment_count = ck_segment_count(state.lengths[query]);
        for (size_t segment = 0; segment < segment_count; segment++) {
            float *kept = partial(in, segment, query);
            sums from = {kept[0], kept[1], kept + 16};
            take_in(&state, query, segment, &from);
        }
    }
    finish(&state);
}

#endif
