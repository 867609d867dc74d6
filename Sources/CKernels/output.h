// SPDX-License-Identifier: Apache-2.0
// Where a matrix product leaves its results.
#ifndef CK_OUTPUT_H
#define CK_OUTPUT_H

#include "kernels.h"
#include "lanes.h"

typedef struct {
    float *base;
    size_t stride;
    bool accumulate;
} output;

/// Asks for the line that `put` will write: large results have left the near caches since they were
/// last written, and stores that wait for their lines hold up the products that follow.
INLINE void fetch_target(output target, size_t row, size_t column) {
    __builtin_prefetch(target.base + row * target.stride + column, 1);
}

/// Stores `lanes` neighbouring results of one row, of which `count` exist; a multiple of eight, which
/// are added as vectors: left to itself the compiler takes them one by one.
INLINE void put(output target, size_t row, size_t column, const float *results, const size_t lanes,
                size_t count) {
    float *out = target.base + row * target.stride + column;
    if (count < lanes) {
        for (size_t i = 0; i < count; i++) {
            out[i] = target.accumulate ? out[i] + results[i] : results[i];
        }
    } else if (target.accumulate) {
        UNROLL for (size_t i = 0; i < lanes; i += 8) {
            v8f old, more;
            __builtin_memcpy(&old, out + i, sizeof old);
            __builtin_memcpy(&more, results + i, sizeof more);
            old += more;
            __builtin_memcpy(out + i, &old, sizeof old);
        }
    } else {
        __builtin_memcpy(out, results, lanes * sizeof(float));
    }
}

#endif
