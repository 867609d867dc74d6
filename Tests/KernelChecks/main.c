// SPDX-License-Identifier: Apache-2.0
// kernel-check FIXTURES [ISA ...]: checks, and fails where a named instruction set is lacking.
// kernel-check --isas: names those this CPU has.
#include "check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

instruction_set isas[8];
size_t isa_count = 0;

static size_t fault_count = 0;
static size_t case_count = 0;

static void find_isas(void) {
    const instruction_set all[] = {
        {CK_PORTABLE, "portable"}, {CK_AVX2, "avx2"}, {CK_AVXVNNI, "avxvnni"},
        {CK_AVX512VNNI, "avx512vnni"}, {CK_NEON, "neon"}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (ck_isa_supported(all[i].code)) {
            isas[isa_count++] = all[i];
        }
    }
}

source source_of(uint64_t seed) { return (source){seed * 0x9E3779B97F4A7C15u + 1}; }

uint64_t draw(source *random) {
    uint64_t z = random->state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

size_t draw_size(source *random, size_t low, size_t high) {
    return low + draw(random) % (high - low + 1);
}

float draw_float(source *random, float reach) {
    return ((float)(draw(random) >> 40) * 0x1p-23f - 1.0f) * reach;
}

float *random_floats(source *random, size_t count, float reach) {
    float *values = room(count * sizeof(float));
    for (size_t i = 0; i < count; i++) {
        values[i] = draw_float(random, reach);
    }
    return values;
}

void fault(const char *format, ...) {
    // The first ones say it all.
    if (fault_count++ < 20) {
        va_list list;
        va_start(list, format);
        vfprintf(stderr, format, list);
        va_end(list);
        fputc('\n', stderr);
    }
}

void report(const char *name, const void *bytes, size_t count) {
    const uint8_t *p = bytes;
    uint64_t digest = 0xCBF29CE484222325u;  // FNV-1a
    for (size_t i = 0; i < count; i++) {
        digest = (digest ^ p[i]) * 0x100000001B3u;
    }
    printf("%s %016llx\n", name, (unsigned long long)digest);
    case_count++;
}

void expect_same(
    const char *name, const char *isa, const void *expected, const void *found, size_t count) {
    const uint8_t *a = expected, *b = found;
    for (size_t i = 0; memcmp(a, b, count) != 0 && i < count; i++) {
        if (a[i] != b[i]) {
            fault("%s: %s differs from portable at byte %zu of %zu", name, isa, i, count);
            return;
        }
    }
}

static void require(const char *name) {
    for (size_t i = 0; i < isa_count; i++) {
        if (strcmp(isas[i].name, name) == 0) {
            return;
        }
    }
    fault("%s is to be checked, but this CPU lacks it", name);
}

int main(int count, char **arguments) {
    find_isas();
    if (count < 2) {
        fprintf(stderr, "usage: kernel-check FIXTURES [ISA ...] | kernel-check --isas\n");
        return 64;
    }
    if (strcmp(arguments[1], "--isas") == 0) {
        for (size_t i = 0; i < isa_count; i++) {
            printf("%s%c", isas[i].name, i + 1 < isa_count ? ' ' : '\n');
        }
        return 0;
    }
    for (int i = 2; i < count; i++) {
        require(arguments[i]);
    }
    check_fixtures(arguments[1]);
    check_rows();
    check_bytes();
    check_products();
    check_attention();
    fprintf(stderr, "%zu cases, %zu faults\n", case_count, fault_count);
    return fault_count == 0 ? 0 : 1;
}
