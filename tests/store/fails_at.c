/* Preloaded into a process: the Nth write or flush of a file of the store fails, and every one after it as well.

   QUIRE_FAIL_PATH   what the file's name must contain
   QUIRE_FAIL_CALL   "write" (write, pwrite) or "flush" (fsync, fdatasync)
   QUIRE_FAIL_AT     a file with "N ERRNO DELAY_MS"; read again at every call, so a test may change its mind: 0 is
                     never. With DELAY_MS every call takes so much longer.
   Counting begins when the file appears or changes. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static long count;
static struct timespec since;

static int fails(int fd, const char *call)
{
    const char *name = getenv("QUIRE_FAIL_PATH"), *which = getenv("QUIRE_FAIL_CALL"), *at = getenv("QUIRE_FAIL_AT");
    char link[64], target[4096], text[64] = "";
    struct stat status;
    int rule, error = EIO, delay_ms = 0;
    long nth = 0;
    ssize_t size;

    if (!name || !which || !at || strcmp(which, call) != 0)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    size = readlink(link, target, sizeof target - 1);
    if (size <= 0)
        return 0;
    target[size] = 0;
    if (!strstr(target, name) || (rule = open(at, O_RDONLY | O_CLOEXEC)) < 0)
        return 0;
    if (fstat(rule, &status) == 0 && read(rule, text, sizeof text - 1) > 0)
        sscanf(text, "%ld %d %d", &nth, &error, &delay_ms);
    close(rule);
    if (memcmp(&since, &status.st_mtim, sizeof since) != 0) {
        since = status.st_mtim;
        count = 0;
    }
    if (delay_ms > 0)
        usleep(delay_ms * 1000);
    if (nth <= 0 || ++count < nth)
        return 0;
    errno = error;
    return 1;
}

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, name);

ssize_t write(int fd, const void *data, size_t size)
{
    REAL(ssize_t, "write", int, const void *, size_t)
    return fails(fd, "write") ? -1 : real(fd, data, size);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at)
{
    REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t)
    return fails(fd, "write") ? -1 : real(fd, data, size, at);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at)
{
    REAL(ssize_t, "pwrite", int, const void *, size_t, off_t)
    return fails(fd, "write") ? -1 : real(fd, data, size, at);
}

int fsync(int fd)
{
    REAL(int, "fsync", int)
    return fails(fd, "flush") ? -1 : real(fd);
}

int fdatasync(int fd)
{
    REAL(int, "fdatasync", int)
    return fails(fd, "flush") ? -1 : real(fd);
}
