// SPDX-License-Identifier: Apache-2.0
// Buffers whose end is watched.
#define _GNU_SOURCE
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ROOMS_MAX = 512 };

typedef struct {
    void *start;
    size_t count;
} watched;

static watched rooms[ROOMS_MAX];
static size_t room_count = 0;

static void give_up(void) {
    fprintf(stderr, "no memory, or more than %d buffers at once\n", ROOMS_MAX);
    exit(1);
}

#if __has_feature(address_sanitizer)
static void *new_room(size_t count, watched *room) {
    if (posix_memalign(&room->start, 64, count ? count : 1) != 0) {
        give_up();
    }
    return room->start;
}

static void free_room(watched room) { free(room.start); }
#else
/// The last byte is the last of a page, and the next page may not be touched.
static void *new_room(size_t count, watched *room) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t body = (count + page - 1) / page * page;
    room->count = body + page;
    room->start =
        mmap(NULL, room->count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (room->start == MAP_FAILED ||
        mprotect((char *)room->start + body, page, PROT_NONE) != 0) {
        give_up();
    }
    return (char *)room->start + body - count;
}

static void free_room(watched room) { munmap(room.start, room.count); }
#endif

void *room(size_t count) {
    if (room_count == ROOMS_MAX) {
        give_up();
    }
    void *bytes = new_room(count, &rooms[room_count++]);
    memset(bytes, 0xA5, count);
    return bytes;
}

void *copy(const void *bytes, size_t count) {
    void *other = room(count);
    memcpy(other, bytes, count);
    return other;
}

size_t room_mark(void) { return room_count; }

void clear_room(size_t mark) {
    while (room_count > mark) {
        free_room(rooms[--room_count]);
    }
}
