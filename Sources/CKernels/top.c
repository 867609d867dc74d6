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

/// Whether one of 16 logits may be better than the worst one kept; NaN may.
static bool may_enter(const float *logits, float worst) {
    bool any = false;
    for (size_t i = 0; i < 16; i++) {
        any |= !(logits[i] <= worst);
    }
    return any;
}

void ck_top(const float *logits, size_t count, size_t top, uint32_t *ids, float *values) {
    heap h = {ids, values};
    if (top == 0) {
        return;
    }
    for (size_t i = 0; i < top; i++) {
        set(h, i, (entry){logits[i], (uint32_t)i});
    }
    for (size_t i = top / 2; i-- > 0;) {
        sink(h, i, top, get(h, i));
    }
    for (size_t i = top; i < count; i++) {
        while (i + 16 <= count && !may_enter(logits + i, values[0])) {
            i += 16;
        }
        if (i == count || logits[i] <= values[0]) {
            continue;
        }
        entry e = {logits[i], (uint32_t)i};
        if (worse(get(h, 0), e)) {
            sink(h, 0, top, e);
        }
    }
    for (size_t left = top; left > 1; left--) {
        entry last = get(h, left - 1);
        set(h, left - 1, get(h, 0));
        sink(h, 0, left - 1, last);
    }
}
