// SPDX-License-Identifier: Apache-2.0
// Bytes rather than numbers: memory to compute in, reading it, and checksums.
#ifndef CK_MEMORY_H
#define CK_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// CRC-32C (Castagnoli, RFC 3720 appendix B.4) of `count` bytes, continuing from `crc` (0 first);
/// and the same without the CPU's instruction, for CPUs that lack it and to test the other against.
uint32_t ck_crc32c(uint32_t crc, const void *bytes, size_t count);
uint32_t ck_crc32c_portable(uint32_t crc, const void *bytes, size_t count);

/// Zeroed private memory, page aligned, touched lazily; NULL if there is no room. `huge` asks for
/// huge pages, otherwise they are refused so that a touched byte costs one small page.
void *ck_map(size_t byte_count, bool huge);
void ck_unmap(void *address, size_t byte_count);
/// Gives back the system's pages that lie wholly inside, which read as zero afterwards; the bytes
/// before the first and after the last of these stay as they are.
void ck_discard(void *address, size_t byte_count);
/// Reads `count` bytes (a multiple of 1024) as fast as one thread can; the sum keeps them in use.
uint64_t ck_read(const void *bytes, size_t count);

#endif
