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

int cl_allowed_cpus(int *cpus, int capacity) {
    cpu_set_t set;
    CPU_ZERO(&set);
    int count = 0;
    if (sched_getaffinity(getpid(), sizeof set, &set) == 0) {
        for (int cpu = 0; cpu < CPU_SETSIZE && count < capacity; cpu++) {
            if (CPU_ISSET(cpu, &set)) {
                cpus[count++] = cpu;
            }
        }
    }
    return count;
}

void cl_bind_thread(unsigned long thread, const int *cpus, int count) {
    cpu_set_t set;
    CPU_ZERO(&set);
    for (int i = 0; i < count; i++) {
        if (cpus[i] >= 0 && cpus[i] < CPU_SETSIZE) {
            CPU_SET(cpus[i], &set);
        }
    }
    // A container may forbid it; then the kernel goes on choosing.
    (void)pthread_setaffinity_np((pthread_t)thread, sizeof set, &set);
}

void cl_unbind_thread(void) {
    cpu_set_t set;
    if (sched_getaffinity(getpid(), sizeof set, &set) == 0) {
        (void)pthread_setaffinity_np(pthread_self(), sizeof set, &set);
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
