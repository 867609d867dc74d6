// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "ck_memory.h"

#include <sys/mman.h>
#include <unistd.h>

void *ck_map(size_t byte_count, bool huge) {
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    void *address = mmap(NULL, byte_count, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (address == MAP_FAILED) {
        return NULL;
    }
    madvise(address, byte_count, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
    return address;
}

void ck_unmap(void *address, size_t byte_count) { munmap(address, byte_count); }

void ck_discard(void *address, size_t byte_count) {
    // madvise refuses a start inside a page, and takes the whole of the last one.
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t start = ((uintptr_t)address + page - 1) / page * page;
    uintptr_t end = ((uintptr_t)address + byte_count) / page * page;
    if (start < end) {
        madvise((void *)start, end - start, MADV_DONTNEED);
    }
}

typedef uint64_t words __attribute__((vector_size(64), aligned(64)));

uint64_t ck_read(const void *bytes, size_t count) {
    // Four streams: one alone does not keep the memory busy.
    const words *source = bytes;
    size_t quarter = count / sizeof(words) / 4;
    words sums[4] = {0};
    for (size_t i = 0; i < quarter; i++) {
        sums[0] += source[i];
        sums[1] += source[quarter + i];
        sums[2] += source[2 * quarter + i];
        sums[3] += source[3 * quarter + i];
    }
    words all = sums[0] + sums[1] + sums[2] + sums[3];
    uint64_t result = 0;
    for (int lane = 0; lane < 8; lane++) {
        result += all[lane];
    }
    return result;
}
