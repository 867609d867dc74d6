// SPDX-License-Identifier: Apache-2.0
// Dequantised values against the reference of the PyPI package `gguf`, one line of JSON a type.
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// The text of a key's value, ended by a zero; NULL without the key.
static char *text_of(char *line, const char *key) {
    char *start = strstr(line, key);
    start = start ? strstr(start + strlen(key), ": \"") : NULL;
    char *end = start ? strchr(start + 3, '"') : NULL;
    return end ? strndup(start + 3, (size_t)(end - start - 3)) : NULL;
}

static uint8_t digit(char c) { return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10); }

static uint8_t *bytes_of(const char *hex, size_t *count) {
    *count = strlen(hex) / 2;
    uint8_t *bytes = room(*count);
    for (size_t i = 0; i < *count; i++) {
        bytes[i] = (uint8_t)(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
    }
    return bytes;
}

/// The blocks as one row, and packed as rows of one block each.
static void check_blocks(
    const weight_type *type, const uint8_t *stored, size_t block_count, const uint8_t *values) {
    size_t count = block_count * type->block_weights;
    size_t row_bytes = type->block_weights * sizeof(float);
    float *found = room(count * sizeof(float)), *row = room(row_bytes);
    ck_dequantise(type->number, stored, count, found);
    expect_same("fixture", type->name, values, found, count * sizeof(float));
    size_t groups = (block_count + 15) / 16;
    void *packed = room(groups * ck_group_bytes(type->number, type->block_weights));
    ck_pack(type->number, stored, block_count, type->block_weights, 0, groups, packed);
    ck_matrix matrix = {packed, type->number, block_count, type->block_weights};
    for (size_t i = 0; i < block_count; i++) {
        ck_unpack_row(&matrix, i, row);
        expect_same("packed fixture", type->name, values + i * row_bytes, row, row_bytes);
    }
}

/// Whether the line was a type's.
static bool check_line(char *line) {
    char *name = text_of(line, "\"type\""), *stored_hex = text_of(line, "\"stored\"");
    char *values_hex = text_of(line, "\"values\"");
    bool done = false;
    for (size_t i = 0; name && stored_hex && values_hex && i < weight_type_count; i++) {
        const weight_type *type = &weight_types[i];
        if (strcmp(type->name, name) == 0) {
            size_t stored_count, value_bytes;
            uint8_t *stored = bytes_of(stored_hex, &stored_count);
            uint8_t *values = bytes_of(values_hex, &value_bytes);
            size_t block_count = stored_count / type->block_bytes;
            if (block_count < 13 || value_bytes != block_count * type->block_weights * 4) {
                fault("the fixture of %s has %zu blocks and %zu bytes of values", name,
                      block_count, value_bytes);
            } else {
                check_blocks(type, stored, block_count, values);
            }
            clear_room(0);
            done = true;
        }
    }
    free(name);
    free(stored_hex);
    free(values_hex);
    return done;
}

void check_fixtures(const char *path) {
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t capacity = 0, found = 0;
    while (file && getline(&line, &capacity, file) > 0) {
        found += check_line(line);
    }
    free(line);
    if (file) {
        fclose(file);
    }
    if (found != weight_type_count) {
        fault("%s has values of %zu types, not %zu", path, found, weight_type_count);
    }
}
