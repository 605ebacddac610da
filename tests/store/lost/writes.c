/* A disk that forgets: loaded into a program before the C library, it notes each write to the files
 * whose paths begin with LOST_PREFIX, with what was there before, and each time that the disk is
 * waited for. What was not waited for can then be taken back, as a loss of power does
 * (tests/store/lost.rs).
 *
 * A record: kind (1 write, 2 length, 3 waited for), length of the name, offset, length before of the
 * file, bytes before, bytes after, each as 8 bytes; the name; the bytes before; the bytes after.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static ssize_t (*real_write)(int, const void *, size_t);

static const char *name_of(int fd, char *name, size_t room) {
    static const char *prefix;
    char link[64];
    if (!prefix && !(prefix = getenv("LOST_PREFIX"))) return NULL;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, name, room - 1);
    if (length <= 0) return NULL;
    name[length] = 0;
    if (strncmp(name, prefix, strlen(prefix))) return NULL;
    const char *rest = name + strlen(prefix);
    return !*rest || !strcmp(rest, "-wal") || !strcmp(rest, "-journal") ? name : NULL;
}

static void note(uint64_t kind, const char *name, int fd, uint64_t offset, const void *after, uint64_t count) {
    static int log = -1;
    struct stat now;
    if (log < 0) log = open(getenv("LOST_LOG"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log < 0 || fstat(fd, &now)) abort();
    uint64_t length = now.st_size, end = kind == 2 ? length : offset + count;
    uint64_t before = offset >= length || kind == 3 ? 0 : (end < length ? end : length) - offset;
    if (kind == 2) count = 0;
    uint64_t head[6] = {kind, strlen(name), offset, length, before, count};
    char *all = malloc(sizeof head + head[1] + before + count), *at = all;
    if (!all) abort();
    memcpy(at, head, sizeof head), at += sizeof head;
    memcpy(at, name, head[1]), at += head[1];
    /* By what is open already: closing the file would end SQLite's locks. */
    if (before && pread(fd, at, before, offset) != (ssize_t)before) abort();
    at += before;
    if (count) memcpy(at, after, count), at += count;
    if (real_write(log, all, at - all) != at - all) abort();
    free(all);
}

#define REAL(name) (__typeof__(&name))dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void begin(void) { real_write = REAL(write); }

ssize_t write(int fd, const void *bytes, size_t count) {
    char room[4096];
    if (!real_write) real_write = REAL(write);
    const char *name = fd > 2 ? name_of(fd, room, sizeof room) : NULL;
    if (name) note(1, name, fd, lseek(fd, 0, SEEK_CUR), bytes, count);
    return real_write(fd, bytes, count);
}

static ssize_t at_offset(int fd, const void *bytes, size_t count, off_t offset) {
    static ssize_t (*real)(int, const void *, size_t, off_t);
    char room[4096];
    if (!real) real = REAL(pwrite64);
    const char *name = name_of(fd, room, sizeof room);
    if (name) note(1, name, fd, offset, bytes, count);
    return real(fd, bytes, count, offset);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) { return at_offset(fd, bytes, count, offset); }
ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset) { return at_offset(fd, bytes, count, offset); }

static int shortened(int fd, off_t length) {
    static int (*real)(int, off_t);
    char room[4096];
    if (!real) real = REAL(ftruncate64);
    const char *name = name_of(fd, room, sizeof room);
    if (name) note(2, name, fd, length, NULL, 0);
    return real(fd, length);
}

int ftruncate(int fd, off_t length) { return shortened(fd, length); }
int ftruncate64(int fd, off64_t length) { return shortened(fd, length); }

static int waited(int fd, int (*real)(int)) {
    char room[4096];
    const char *name = name_of(fd, room, sizeof room);
    int result = real(fd);
    if (name && !result) note(3, name, fd, 0, NULL, 0);
    return result;
}

int fsync(int fd) { return waited(fd, REAL(fsync)); }
int fdatasync(int fd) { return waited(fd, REAL(fdatasync)); }
