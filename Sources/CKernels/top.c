// SPDX-License-Identifier: Apache-2.0
// Selection of the largest logits by a heap whose root is the worst one kept.
#include "ckernels.h"

typedef struct {
    float value;
    uint32_t id;
} entry;

/// NaN as -infinity.
static float ordered(float value) { return value == value ? value : -__builtin_inff(); }

/// Whether `a` comes after `b`: smaller values, then larger ids.
static bool worse(entry a, entry b) {
    float x = ordered(a.value), y = ordered(b.value);
    return x != y ? x < y : a.id > b.id;
}

typedef struct {
    uint32_t *ids;
    float *values;
} heap;

static entry get(heap h, size_t i) { return (entry){h.values[i], h.ids[i]}; }

static void set(heap h, size_t i, entry e) {
    h.values[i] = e.value;
    h.ids[i] = e.id;
}

/// Places `e` at the root of a heap of `count` and lets it sink.
static void sink(heap h, size_t i, size_t count, entry e) {
    for (size_t child; (child = 2 * i + 1) < count; i = child) {
        if (child + 1 < count && worse(get(h, child + 1), get(h, child))) {
            child++;
        }
        if (!worse(get(h, child), e)) {
            break;
        }
        set(h, i, get(h, child));
    }
    set(h, i, e);
}

static void fill(heap h, const float *values, size_t top) {
    for (size_t i = 0; i < top; i++) {
        set(h, i, (entry){values[i], (uint32_t)i});
    }
    for (size_t i = top / 2; i-- > 0;) {
        sink(h, i, top, get(h, i));
    }
}

/// Whether one of 16 values is not below `bound`; NaN is not.
static bool may_enter(const float *values, float bound) {
    bool any = false;
    for (size_t i = 0; i < 16; i++) {
        any |= !(values[i] < bound);
    }
    return any;
}

/// Keeps what is better, of the values `start..<end`, none of which is below `least` if it counts.
static void improve(
    heap h, size_t top, const float *values, size_t start, size_t end, float least) {
    for (size_t i = start; i < end; i++) {
        float bound = h.values[0] > least ? h.values[0] : least;
        while (i + 16 <= end && !may_enter(values + i, bound)) {
            i += 16;
        }
        if (i == end || values[i] <= h.values[0] || values[i] < least) {
            continue;
        }
        entry e = {values[i], (uint32_t)i};
        if (worse(get(h, 0), e)) {
            sink(h, 0, top, e);
        }
    }
}

/// What none of the `top` largest logits is below: as many parts have one that is not. `h` is room.
static float least_of_top(heap h, const float *largest, size_t part_count, size_t top) {
    if (part_count < top) {
        return -__builtin_inff();
    }
    fill(h, largest, top);
    improve(h, top, largest, top, part_count, -__builtin_inff());
    // Of a part with nothing above that, its largest is not known.
    return h.values[0] > -3.0e38f ? h.values[0] : -__builtin_inff();
}

void ck_top(const ck_logits *logits, size_t top, uint32_t *ids, float *values) {
    heap h = {ids, values};
    if (top == 0) {
        return;
    }
    size_t count = logits->count;
    size_t part_count = (count + CK_LOGIT_PART - 1) / CK_LOGIT_PART;
    float least = least_of_top(h, logits->largest, part_count, top);
    fill(h, logits->values, top);
    for (size_t part = top / CK_LOGIT_PART; part < part_count; part++) {
        size_t start = part * CK_LOGIT_PART;
        size_t end = start + CK_LOGIT_PART < count ? start + CK_LOGIT_PART : count;
        if (!(logits->largest[part] < least)) {
            improve(h, top, logits->values, start < top ? top : start, end, least);
        }
    }
    for (size_t left = top; left > 1; left--) {
        entry last = get(h, left - 1);
        set(h, left - 1, get(h, 0));
        sink(h, 0, left - 1, last);
    }
}
