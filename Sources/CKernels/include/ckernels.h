// SPDX-License-Identifier: Apache-2.0
// The one header of the C kernels: SIMD code chosen at run time by CPU detection.
#ifndef CKERNELS_H
#define CKERNELS_H

#include <stddef.h>
#include <stdint.h>

/// CRC-32C (Castagnoli, RFC 3720 appendix B.4) of `count` bytes, continuing from `crc` (0 at start).
uint32_t ck_crc32c(uint32_t crc, const void *bytes, size_t count);
/// The same without the CPU's instruction, for CPUs that lack it and to test the other against.
uint32_t ck_crc32c_portable(uint32_t crc, const void *bytes, size_t count);

#endif
