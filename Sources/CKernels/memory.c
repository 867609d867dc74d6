// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "ckernels.h"

#include <sys/mman.h>

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
    madvise(address, byte_count, MADV_DONTNEED);
}
