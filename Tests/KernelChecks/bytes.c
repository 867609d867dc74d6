// SPDX-License-Identifier: Apache-2.0
// What has no kernel for each instruction set: check sums, selection, fast reading, memory.
#include "check.h"

#include <string.h>
#include <unistd.h>

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

/// Logits with ties and nonsense among them; of some parts most, of others all are nonsense.
static float *odd_logits(source *random, size_t count) {
    float *logits = random_floats(random, count, 9);
    size_t share = 0;
    for (size_t i = 0; i < count; i++) {
        share = i % CK_LOGIT_PART == 0 ? draw_size(random, 0, 3) * 4 : share;
        size_t kind = draw_size(random, 0, 12);
        if (kind < share) {
            const float nonsense[] = {__builtin_nanf(""), -__builtin_inff(), -3.3e38f};
            logits[i] = nonsense[draw_size(random, 0, 2)];
        } else if (kind == 12) {
            logits[i] = (float)(int)logits[i];
        }
    }
    return logits;
}

static void check_top(source *random, size_t count, size_t top) {
    float *logits = odd_logits(random, count);
    uint32_t *ids = room(top * sizeof(uint32_t));
    float *values = room(top * sizeof(float));
    size_t parts = (count + CK_LOGIT_PART - 1) / CK_LOGIT_PART;
    ck_logits known = {
        logits, count, room(parts * sizeof(float)), room(parts * sizeof(float))};
    ck_logit_parts(CK_PORTABLE, &known, 0, parts);
    ck_top(&known, top, ids, values);
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

/// Of `count` bytes from `offset` on whole pages read as zero afterwards, and nothing else does: a
/// part of memory may begin and end inside a page that it shares with others.
static void check_discarding(size_t pages, size_t offset, size_t count) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *bytes = ck_map(pages * page, false);
    if (bytes == NULL) {
        fault("no memory to discard");
        return;
    }
    memset(bytes, 0xA5, pages * page);
    ck_discard(bytes + offset, count);
    for (size_t i = 0; i < pages; i++) {
        bool is_inside = i * page >= offset && (i + 1) * page <= offset + count;
        for (size_t k = i * page; k < (i + 1) * page; k++) {
            if (bytes[k] != (is_inside ? 0 : 0xA5)) {
                fault("byte %zu of discarded %zu+%zu is %d", k, offset, count, bytes[k]);
                break;
            }
        }
    }
    ck_unmap(bytes, pages * page);
}

static void check_memory(source *random) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    check_discarding(4, 0, 4 * page);
    check_discarding(4, page, 2 * page);
    // Where pages are larger than the grain of layouts.
    check_discarding(4, 0, page + page / 2);
    check_discarding(4, page / 2, 2 * page);
    check_discarding(4, page / 4, page / 2);
    check_discarding(4, 4 * page, 0);
    for (size_t i = 0; i < 30; i++) {
        size_t offset = draw_size(random, 0, 8 * page);
        check_discarding(8, offset, draw_size(random, 0, 8 * page - offset));
    }
}

void check_bytes(void) {
    source random = source_of(9);
    check_sums(&random);
    for (size_t i = 0; i < 30; i++) {
        size_t count = draw_size(&random, 1, 300);
        check_top(&random, count, draw_size(&random, 1, count));
        check_top(&random, draw_size(&random, 300, 6000), draw_size(&random, 1, 20));
    }
    for (size_t i = 1; i < 5; i++) {
        check_reading(&random, i * 1024);
    }
    // Last: what it draws depends on the size of pages.
    check_memory(&random);
}
