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

/// Defines a function that stores neighbouring results of one row, as many as the vector has lanes,
/// of which `count` exist. They stay in a register: by way of memory, and added one by one, they
/// cost rows of 576 columns a fifth of the product's time.
#define DEFINE_PUT(name, vector)                                                                  \
    INLINE void name(output target, size_t row, size_t column, vector results, size_t count) {    \
        const size_t lanes = sizeof results / sizeof(float);                                      \
        float *out = target.base + row * target.stride + column;                                  \
        if (count >= lanes) {                                                                     \
            vector old = 0;                                                                       \
            if (target.accumulate) {                                                              \
                __builtin_memcpy(&old, out, sizeof old);                                          \
                results += old;                                                                   \
            }                                                                                     \
            __builtin_memcpy(out, &results, sizeof results);                                      \
        } else {                                                                                  \
            float each[sizeof results / sizeof(float)];                                           \
            __builtin_memcpy(each, &results, sizeof each);                                        \
            for (size_t i = 0; i < count; i++) {                                                  \
                out[i] = target.accumulate ? out[i] + each[i] : each[i];                          \
            }                                                                                     \
        }                                                                                         \
    }

#endif
