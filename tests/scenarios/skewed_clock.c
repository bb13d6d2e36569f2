/* A clock that is wrong, for one process: the time of day is QUIRE_CLOCK_AHEAD_S later than this machine's. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

int clock_gettime(clockid_t clock, struct timespec *now)
{
    static int (*real)(clockid_t, struct timespec *);
    const char *ahead = getenv("QUIRE_CLOCK_AHEAD_S");
    if (real == NULL)
        real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, now);
    if (result == 0 && clock == CLOCK_REALTIME && ahead != NULL)
        now->tv_sec += atoi(ahead);
    return result;
}
