// SPDX-License-Identifier: Apache-2.0
// What has no kernel for each instruction set: check sums, selection, fast reading.
#include "check.h"

#include <string.h>

static void check_sums(source *random) {
    if (ck_crc32c(0, "123456789", 9) != 0xE3069283u) {
        fault("CRC-32C of the check string of RFC 3720 is wrong");
    }
    for (size_t i = 0; i < 60; i++) {
        size_t count = i < 40 ? i : draw_size(random, 40, 20000);
        uint8_t *bytes = room(count);
        for (size_t k = 0; k < count; k++) {
            bytes[k] = (uint8_t)draw(random);
        }
        uint32_t start = (uint32_t)draw(random);
        uint32_t expected = ck_crc32c_portable(start, bytes, count);
        uint32_t found = ck_crc32c(start, bytes, count);
        expect_same("CRC-32C", "the instruction", &expected, &found, sizeof found);
        report("CRC-32C", &found, sizeof found);
        clear_room(0);
    }
}

/// Whether `a` is to come before `b`, which are different positions.
static bool comes_first(const float *logits, uint32_t a, uint32_t b) {
    float x = logits[a] == logits[a] ? logits[a] : -__builtin_inff();
    float y = logits[b] == logits[b] ? logits[b] : -__builtin_inff();
    return x == y ? a < b : x > y;
}

static void check_top(source *random, size_t count) {
    float *logits = random_floats(random, count, 9);
    for (size_t i = 0; i < count; i++) {
        size_t kind = draw_size(random, 0, 9);
        if (kind < 3) {
            logits[i] = kind == 0   ? __builtin_nanf("")
                        : kind == 1 ? -__builtin_inff()
                                    : (float)(int)logits[i];
        }
    }
    size_t top = draw_size(random, 1, count);
    uint32_t *ids = room(top * sizeof(uint32_t));
    float *values = room(top * sizeof(float));
    ck_top(logits, count, top, ids, values);
    for (size_t i = 0; i < top; i++) {
        size_t before = 0;
        for (uint32_t other = 0; other < count; other++) {
            before += other != ids[i] && comes_first(logits, other, ids[i]);
        }
        if (before != i || memcmp(&values[i], &logits[ids[i]], sizeof(float)) != 0) {
            fault("the top of %zu logits is wrong at %zu", count, i);
        }
    }
    report("top", ids, top * sizeof(uint32_t));
    clear_room(0);
}

static void check_reading(source *random, size_t count) {
    uint64_t *words = room(count);
    uint64_t expected = 0;
    for (size_t i = 0; i < count / 8; i++) {
        words[i] = draw(random);
        expected += words[i];
    }
    uint64_t found = ck_read(words, count);
    expect_same("read", "the sum", &expected, &found, sizeof found);
    clear_room(0);
}

void check_bytes(void) {
    source random = source_of(9);
    check_sums(&random);
    for (size_t i = 0; i < 30; i++) {
        check_top(&random, draw_size(&random, 1, 300));
    }
    for (size_t i = 1; i < 5; i++) {
        check_reading(&random, i * 1024);
    }
}
