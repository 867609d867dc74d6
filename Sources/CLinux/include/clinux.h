// SPDX-License-Identifier: Apache-2.0
// Linux calls that Swift's Glibc module leaves out, because they are GNU extensions or variadic.
#ifndef CLINUX_H
#define CLINUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// No system numbers its CPUs beyond this.
#define CL_CPUS_MAX (1 << 16)

/// Writes the CPUs that the process may run on into `cpus`, ascending; returns how many, at most
/// `capacity`.
int cl_allowed_cpus(int *cpus, int capacity);

/// Lets a thread run on these CPUs alone. Threads that it starts then run there too, until they
/// call `cl_unbind_thread`.
void cl_bind_thread(unsigned long thread, const int *cpus, int count);

/// Lets the calling thread run wherever the process may.
void cl_unbind_thread(void);

/// Names the calling thread; the kernel keeps at most 15 bytes.
void cl_name_thread(const char *name);

/// Sleeps while `*word == expected`, until woken, or spuriously. `timeout_ns` < 0 waits for ever.
void cl_futex_wait(const uint32_t *word, uint32_t expected, int64_t timeout_ns);

/// Wakes at most `count` sleepers on `word`.
void cl_futex_wake(const uint32_t *word, int count);

/// Opens those of the three standard descriptors that are closed, so that no socket or file gets
/// their numbers and is written to in their place: output still fails, and messages are dropped.
/// Writing to what nobody reads fails from now on instead of ending the process.
void cl_secure_output(void);

/// Turns SIGINT, SIGTERM and, unless it is ignored, SIGHUP into numbers that `cl_next_signal`
/// returns. A handler and a pipe rather than a mask: libraries start threads before `main`, which
/// no mask reaches.
bool cl_catch_signals(void);

/// Waits for the next caught signal, or number put by `cl_put_signal`.
int cl_next_signal(void);

/// Makes `cl_next_signal` return `number`. Safe in a signal handler.
void cl_put_signal(int number);

/// Tells the CPU that this is a spin loop.
static inline void cl_spin_hint(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    // `yield` does nothing on most cores; this takes about as long as x86's hint.
    __asm__ volatile("isb");
#endif
}

/// The CPU that the calling thread is on, or -1.
int cl_current_cpu(void);

/// Asks for the cache line at `address`, which need not exist.
static inline void cl_prefetch(uintptr_t address) {
    __builtin_prefetch((const void *)address, 0, 2);
}

/// The kernel's estimate of a TCP connection: its smoothed round trip, and what it has delivered
/// while it was the bottleneck, 0 if it never was. False if the kernel says nothing.
bool cl_tcp_path(int descriptor, uint32_t *round_trip_us, uint64_t *bytes_per_second);

/// The next connection of a listening socket, which a program started meanwhile does not inherit;
/// -1 and `errno` where there is none.
int cl_accept(int listening);

/// Sets disk space for the first `byte_count` bytes of a file aside without changing its size; 0,
/// or the error number.
int cl_reserve(int descriptor, int64_t byte_count);

/// How many descriptors the process may have open.
int64_t cl_descriptor_limit(void);

/// Raises that limit, the soft one, to the hard one, which only root could exceed.
void cl_raise_descriptor_limit(void);

/// Begins to write a range of a file to disk, without waiting for it.
void cl_start_writing(int descriptor, int64_t offset, int64_t byte_count);

#endif
