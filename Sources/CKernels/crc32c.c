// SPDX-License-Identifier: Apache-2.0
// CRC-32C by the CPU's instruction where there is one, else eight table look-ups for eight bytes.
//
// The polynomial is reflected: the lowest bit of a state is its highest power. Inside this file
// `crc` is the state between the first and the last inversion, so that states of parts combine.
#include "ck_memory.h"

#include <string.h>

#define POLYNOMIAL 0x82F63B78u
// Bytes each of the three streams takes before they are joined. A frame of one row of activations
// (16 KiB) makes two rounds of it.
#define STREAM_BYTES 2048

// table[k][b]: the state after byte b and then k zero bytes.
static uint32_t table[8][256];

static uint32_t step_byte(uint32_t crc, uint8_t byte) {
    return table[0][(crc ^ byte) & 0xFF] ^ (crc >> 8);
}

static uint32_t update_portable(uint32_t crc, const uint8_t *p, size_t count) {
    for (; count >= 8; p += 8, count -= 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        word ^= crc;
        crc = table[7][word & 0xFF] ^ table[6][word >> 8 & 0xFF] ^ table[5][word >> 16 & 0xFF] ^
              table[4][word >> 24 & 0xFF] ^ table[3][word >> 32 & 0xFF] ^
              table[2][word >> 40 & 0xFF] ^ table[1][word >> 48 & 0xFF] ^ table[0][word >> 56];
    }
    while (count-- > 0) {
        crc = step_byte(crc, *p++);
    }
    return crc;
}

#if defined(__x86_64__)
#include <immintrin.h>
#define CRC_TARGET __attribute__((target("sse4.2")))
#define CRC_OF_WORD(crc, word) _mm_crc32_u64(crc, word)
#define CRC_OF_BYTE(crc, byte) _mm_crc32_u8(crc, byte)

static bool has_instruction(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("sse4.2");
}
#elif defined(__aarch64__)
#include <arm_acle.h>
#include <sys/auxv.h>
#define CRC_TARGET __attribute__((target("crc")))
#define CRC_OF_WORD(crc, word) __crc32cd((uint32_t)(crc), word)
#define CRC_OF_BYTE(crc, byte) __crc32cb(crc, byte)

#ifndef HWCAP_CRC32
#define HWCAP_CRC32 (1 << 7)
#endif

static bool has_instruction(void) { return getauxval(AT_HWCAP) & HWCAP_CRC32; }
#endif

#if defined(CRC_TARGET)
// shift[k][b]: the state b << 8k after STREAM_BYTES zero bytes. The map is linear over bits, so
// four look-ups move any state past a stream.
static uint32_t shift[4][256];

static uint32_t move_past_stream(uint32_t crc) {
    return shift[0][crc & 0xFF] ^ shift[1][crc >> 8 & 0xFF] ^ shift[2][crc >> 16 & 0xFF] ^
           shift[3][crc >> 24];
}

static void fill_shift(void) {
    for (int bit = 0; bit < 32; bit++) {
        uint32_t crc = 1u << bit;
        for (int i = 0; i < STREAM_BYTES; i++) {
            crc = step_byte(crc, 0);
        }
        shift[bit / 8][1 << bit % 8] = crc;
    }
    for (int k = 0; k < 4; k++) {
        for (int b = 1; b < 256; b++) {
            shift[k][b] = shift[k][b & (b - 1)] ^ shift[k][b & -b];
        }
    }
}

// The instruction takes three cycles but one may start each cycle: three streams keep it busy.
CRC_TARGET static uint32_t update_by_instruction(
    uint32_t crc, const uint8_t *p, size_t count) {
    for (; count >= 3 * STREAM_BYTES; p += 3 * STREAM_BYTES, count -= 3 * STREAM_BYTES) {
        uint64_t a = crc, b = 0, c = 0;
        for (size_t i = 0; i < STREAM_BYTES; i += 8) {
            uint64_t x, y, z;
            memcpy(&x, p + i, 8);
            memcpy(&y, p + i + STREAM_BYTES, 8);
            memcpy(&z, p + i + 2 * STREAM_BYTES, 8);
            a = CRC_OF_WORD(a, x);
            b = CRC_OF_WORD(b, y);
            c = CRC_OF_WORD(c, z);
        }
        crc = move_past_stream(move_past_stream((uint32_t)a) ^ (uint32_t)b) ^ (uint32_t)c;
    }
    uint64_t state = crc;
    for (; count >= 8; p += 8, count -= 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        state = CRC_OF_WORD(state, word);
    }
    crc = (uint32_t)state;
    while (count-- > 0) {
        crc = CRC_OF_BYTE(crc, *p++);
    }
    return crc;
}
#endif

// Chosen before `main`, and only read after it.
static uint32_t (*update)(uint32_t, const uint8_t *, size_t) = update_portable;

__attribute__((constructor)) static void prepare(void) {
    for (uint32_t b = 0; b < 256; b++) {
        uint32_t crc = b;
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ (POLYNOMIAL & (0u - (crc & 1u)));
        }
        table[0][b] = crc;
    }
    for (int k = 1; k < 8; k++) {
        for (int b = 0; b < 256; b++) {
            table[k][b] = step_byte(table[k - 1][b], 0);
        }
    }
#if defined(CRC_TARGET)
    if (has_instruction()) {
        fill_shift();
        update = update_by_instruction;
    }
#endif
}

uint32_t ck_crc32c(uint32_t crc, const void *bytes, size_t count) {
    return ~update(~crc, bytes, count);
}

uint32_t ck_crc32c_portable(uint32_t crc, const void *bytes, size_t count) {
    return ~update_portable(~crc, bytes, count);
}
