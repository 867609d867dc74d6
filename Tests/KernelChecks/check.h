// SPDX-License-Identifier: Apache-2.0
// Every kernel of every instruction set on random shapes, against the portable one bit by bit.
//
// One program for all machines: what it draws depends on nothing but its seeds, so that the digests
// it prints are the same lines wherever it runs. Buffers have their exact sizes and end where
// memory that may be touched ends: by AddressSanitizer, or else by a page without access.
#ifndef CHECK_H
#define CHECK_H

#include "ck_memory.h"
#include "ckernels.h"

// MARK: Instruction sets

typedef struct {
    ck_isa code;
    const char *name;
} instruction_set;

/// The first is portable; those that this CPU lacks are left out.
extern instruction_set isas[8];
extern size_t isa_count;

// MARK: Random input

/// A generator of its own for each case (SplitMix64).
typedef struct {
    uint64_t state;
} source;

source source_of(uint64_t seed);
uint64_t draw(source *random);
/// From `low` to `high`, both included.
size_t draw_size(source *random, size_t low, size_t high);
/// Within ±`reach`.
float draw_float(source *random, float reach);

// MARK: Memory

/// `count` bytes of a pattern, followed by memory that must not be touched.
void *room(size_t count);
void *copy(const void *bytes, size_t count);
float *random_floats(source *random, size_t count, float reach);
/// How much there is now, for `clear_room`.
size_t room_mark(void);
/// Frees what came after the mark; 0 frees everything.
void clear_room(size_t mark);

// MARK: Verdicts

/// Says what went wrong; the program will fail.
__attribute__((format(printf, 1, 2))) void fault(const char *format, ...);
/// Prints the line of a case: its name and a digest of its result.
void report(const char *name, const void *bytes, size_t count);
void expect_same(
    const char *name, const char *isa, const void *expected, const void *found, size_t count);

// MARK: Weights

typedef struct {
    uint32_t number;
    const char *name;
    /// Weights of a block, and its bytes in a file.
    size_t block_weights, block_bytes;
    /// Where its f16 numbers are, and how many.
    size_t half_start, half_count;
} weight_type;

extern const weight_type weight_types[];
extern const size_t weight_type_count;

/// A matrix as a file stores it; scales are such that values are about 1. Extreme codes are nearly
/// all the largest, which fills the narrow sums of some instruction sets.
void *random_matrix(source *random, const weight_type *type, size_t count, bool extreme);

// MARK: What there is to check

void check_products(void);
void check_attention(void);
void check_rows(void);
void check_bytes(void);
/// The values of stored blocks against those that the PyPI package `gguf` gives.
void check_fixtures(const char *path);

#endif
