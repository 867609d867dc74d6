// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "clinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int cl_current_cpu(void) { return sched_getcpu(); }

/// The CPUs of the process, `*size` bytes to be freed by `CPU_FREE`; NULL where the kernel does not
/// say. It refuses sets that are smaller than its own, which may be large on any machine.
static cpu_set_t *process_cpus(size_t *size) {
    for (int count = CPU_SETSIZE; count <= CL_CPUS_MAX; count *= 4) {
        cpu_set_t *set = CPU_ALLOC((size_t)count);
        *size = CPU_ALLOC_SIZE((size_t)count);
        if (set != NULL && sched_getaffinity(getpid(), *size, set) == 0) {
            return set;
        }
        CPU_FREE(set);
    }
    return NULL;
}

int cl_allowed_cpus(int *cpus, int capacity) {
    size_t size;
    cpu_set_t *set = process_cpus(&size);
    if (set == NULL) {
        return 0;
    }
    int count = 0;
    for (size_t cpu = 0; cpu < size * 8 && count < capacity; cpu++) {
        if (CPU_ISSET_S(cpu, size, set)) {
            cpus[count++] = (int)cpu;
        }
    }
    CPU_FREE(set);
    return count;
}

void cl_bind_thread(unsigned long thread, const int *cpus, int count) {
    size_t size = CPU_ALLOC_SIZE(CL_CPUS_MAX);
    cpu_set_t *set = CPU_ALLOC(CL_CPUS_MAX);
    if (set == NULL) {
        return;
    }
    CPU_ZERO_S(size, set);
    for (int i = 0; i < count; i++) {
        if (cpus[i] >= 0 && cpus[i] < CL_CPUS_MAX) {
            CPU_SET_S((size_t)cpus[i], size, set);
        }
    }
    // A container may forbid it; then the kernel goes on choosing.
    (void)pthread_setaffinity_np((pthread_t)thread, size, set);
    CPU_FREE(set);
}

void cl_unbind_thread(void) {
    size_t size;
    cpu_set_t *set = process_cpus(&size);
    if (set != NULL) {
        (void)pthread_setaffinity_np(pthread_self(), size, set);
        CPU_FREE(set);
    }
}

void cl_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }

void cl_futex_wait(const uint32_t *word, uint32_t expected, int64_t timeout_ns) {
    struct timespec timeout = {timeout_ns / 1000000000, timeout_ns % 1000000000};
    const struct timespec *limit = timeout_ns < 0 ? NULL : &timeout;
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, limit, NULL, 0);
}

void cl_futex_wake(const uint32_t *word, int count) {
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

int cl_reserve(int descriptor, int64_t byte_count) {
    return fallocate(descriptor, FALLOC_FL_KEEP_SIZE, 0, byte_count) == 0 ? 0 : errno;
}

int64_t cl_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return 0;
    }
    return limit.rlim_cur > (rlim_t)INT64_MAX ? INT64_MAX : (int64_t)limit.rlim_cur;
}

void cl_raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        // A sandbox may forbid it; then it stays as it is.
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

void cl_start_writing(int descriptor, int64_t offset, int64_t byte_count) {
    sync_file_range(descriptor, offset, byte_count, SYNC_FILE_RANGE_WRITE);
}
