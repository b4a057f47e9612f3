/* A program for the faulty machine to be put under: it does to its file what its arguments say, and
 * prints what came of each: a number, or `-` and the number of the error. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long long clock_ms(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    if (now.tv_nsec < 0 || now.tv_nsec >= 1000000000)
        return -1;
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Syncs the folder, or another file in it. */
static int sync_at(const char *folder, const char *file, int flags)
{
    char path[4096];
    snprintf(path, sizeof path, "%s%s", folder, file);
    int fd = open(path, flags, 0600), done = fsync(fd);
    close(fd);
    return done;
}

int main(int count, char **words)
{
    const char *path = words[1];
    const char *folder = words[count - 1];
    int fd = -1;
    for (int i = 2; i < count - 1; i++) {
        long long done = 0, place = 0, length = 0;
        char what = words[i][0], fill = 0;
        static char bytes[1 << 20];
        sscanf(words[i] + 1, "%lld,%lld,%c", &place, &length, &fill);
        memset(bytes, fill, sizeof bytes);
        struct timeval day;
        errno = 0;
        switch (what) {
        case 'o': done = fd = open(path, O_RDWR | O_CREAT, 0600); break;
        case 'w': done = pwrite(fd, bytes, (size_t)length, place); break;
        case 's': done = fsync(fd); break;
        case 'd': done = fdatasync(fd); break;
        case 't': done = ftruncate(fd, place); break;
        case 'u': done = unlink(path); break;
        case 'c': done = close(fd); break;
        case 'f': done = sync_at(folder, "", O_RDONLY | O_DIRECTORY); break;
        case 'x': done = sync_at(folder, "/other", O_RDWR | O_CREAT); break;
        case 'r': done = clock_ms(CLOCK_REALTIME); break;
        case 'm': done = clock_ms(CLOCK_MONOTONIC); break;
        case 'g': gettimeofday(&day, NULL); done = day.tv_sec * 1000LL + day.tv_usec / 1000; break;
        case 'e': done = time(NULL) * 1000LL; break;
        case 'p': fflush(stdout); done = getchar(); break; /* waits for the harness */
        default: return 1;
        }
        printf("%lld\n", done < 0 && errno ? -(long long)errno : done);
    }
    return 0;
}
