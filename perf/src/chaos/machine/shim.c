/*
 * A faulty machine for one server: put in front of the C library by LD_PRELOAD, it stands between
 * SQLite and the disk, and between the program and the wall clock. Built and driven by machine.rs,
 * which says what it is for. Linux on 64 bits only.
 *
 * It asks the kernel directly, with syscall(2), and never the functions it hides. So there is
 * nothing to look up at run time, and nothing that could call back into it before it is set up: the
 * program's allocator, say, which opens files before any constructor has run. Until then, and
 * without its two variables, everything is passed on unchanged.
 *
 *   MACHINE_CONTROL   a file of one page: the orders, and what was counted (see below)
 *   MACHINE_DATABASE  the database's file; the files beside it are known by their endings
 *   MACHINE_JOURNAL   optional: the file in which everything is recorded that reaches the disk
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

_Static_assert(sizeof(long) == 8, "offsets and times must be 64 bits wide");

/* ---- the control page ---------------------------------------------------------------------- */

/* What is ordered. Nothing stands at 0, except that `room` has no bound at UINT64_MAX. */
struct orders {
    int64_t clock_offset_ms; /* added to the wall clock */
    uint64_t fail_fsync;     /* the how-manieth fsync from now fails with EIO */
    uint64_t fail_write;     /* the how-manieth write from now fails with EIO */
    uint64_t for_ever;       /* ... and every later one as well */
    uint64_t room;           /* bytes by which the files may grow until the disk is full */
    uint64_t lie;            /* an fsync does nothing and says that all is well */
};

/*
 * The harness writes new orders into the bank that is not in use and then raises `turn`, whose
 * lowest bit names the bank: so nobody ever reads half of an order. Each turn begins all counting
 * anew.
 */
struct page {
    _Atomic uint64_t turn;
    struct orders banks[2];
    uint64_t unused[19];
    /* From here on it is the machine that writes. */
    _Atomic uint64_t process;
    _Atomic uint64_t writes;
    _Atomic uint64_t fsyncs;
    _Atomic uint64_t failed_writes;
    _Atomic uint64_t failed_fsyncs;
    _Atomic uint64_t no_room;
    _Atomic uint64_t lies;
};
_Static_assert(offsetof(struct page, process) == 256, "control.rs reads it there");

/* ---- the journal --------------------------------------------------------------------------- */

enum kind { CREATED = 1, REMOVED, WRITTEN, TRUNCATED, SYNCED, SYNC_FAILED };

/* Four numbers, and behind WRITTEN the bytes. For the two last kinds `place` is the length that the
 * journal had when the fsync began: it covers what stands in front of that, and nothing else. */
struct entry {
    uint64_t kind, file, place, length;
};

/* ---- what is known ------------------------------------------------------------------------- */

/* FOLDER is the one that holds the others; an fsync of it makes their names durable. SHARED is only
 * an index in memory that happens to be a file: it takes room on the disk, and that is all. */
enum file { OTHER = 0, DATABASE, WAL, ROLLBACK, FOLDER, SHARED };

#define DESCRIPTORS_MAX 65536
#define PATH_BYTES_MAX 4096

static struct page *page;
static char database[PATH_BYTES_MAX], folder[PATH_BYTES_MAX];
static int journal = -1;
static uint64_t journal_length;
static _Atomic unsigned char descriptors[DESCRIPTORS_MAX];

/* Everything below `page` and the journal happens under this lock, so that the journal has the order
 * in which things reached the disk. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t turn_seen;
static struct orders orders = {.room = UINT64_MAX};

static void die(const char *why)
{
    syscall(SYS_write, 2, why, strlen(why));
    syscall(SYS_exit_group, 97);
}

__attribute__((constructor)) static void set_up(void)
{
    const char *control = getenv("MACHINE_CONTROL"), *path = getenv("MACHINE_DATABASE");
    const char *record = getenv("MACHINE_JOURNAL");
    if (control == NULL || path == NULL)
        return;
    const char *name = strrchr(path, '/');
    if (name == NULL || strlen(path) + sizeof "-journal" > PATH_BYTES_MAX)
        die("machine: the database has no usable path\n");
    memcpy(database, path, strlen(path) + 1);
    memcpy(folder, path, (size_t)(name - path));
    if (record != NULL) {
        journal = (int)syscall(SYS_openat, AT_FDCWD, record,
                               O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (journal < 0)
            die("machine: the journal cannot be opened\n");
        journal_length = (uint64_t)syscall(SYS_lseek, journal, 0, SEEK_END);
    }
    int fd = (int)syscall(SYS_openat, AT_FDCWD, control, O_RDWR | O_CLOEXEC, 0);
    void *mapped = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd < 0 || mapped == MAP_FAILED)
        die("machine: the control page cannot be mapped\n");
    syscall(SYS_close, fd);
    page = mapped;
    atomic_store(&page->process, (uint64_t)getpid());
}

/* ---- orders -------------------------------------------------------------------------------- */

static struct orders read_orders(uint64_t *turn)
{
    struct orders read;
    do {
        *turn = atomic_load(&page->turn);
        read = *(volatile struct orders *)&page->banks[*turn & 1];
    } while (atomic_load(&page->turn) != *turn);
    return read;
}

/* Takes the lock, and looks whether there is a new order. */
static void enter(void)
{
    pthread_mutex_lock(&lock);
    uint64_t turn;
    struct orders newest = read_orders(&turn);
    if (turn != turn_seen) {
        turn_seen = turn;
        orders = newest;
    }
}

static void leave(void) { pthread_mutex_unlock(&lock); }

/* Counts down to the one that fails. */
static bool fails(uint64_t *left)
{
    if (*left == 0)
        return false;
    if (*left == 1)
        return *left = orders.for_ever ? 1 : 0, true;
    *left -= 1;
    return false;
}

/* How many of these bytes there is room for. Only what makes a file longer takes room. */
static size_t fitting(int fd, size_t length, off64_t place)
{
    struct stat now;
    if (orders.room == UINT64_MAX || fstat(fd, &now) != 0)
        return length;
    uint64_t end = (uint64_t)place + length, size = (uint64_t)now.st_size;
    uint64_t growth = end > size ? end - size : 0;
    if (growth <= orders.room) {
        orders.room -= growth;
        return length;
    }
    uint64_t missing = growth - orders.room;
    if (missing >= length)
        return 0;
    orders.room = 0;
    return length - missing;
}

/* ---- recording ----------------------------------------------------------------------------- */

static void record(enum kind kind, enum file file, uint64_t place, const void *bytes, size_t length)
{
    if (journal < 0 || file == SHARED)
        return;
    struct entry entry = {kind, file, place, length};
    struct iovec parts[2] = {{&entry, sizeof entry}, {(void *)bytes, bytes ? length : 0}};
    long whole = (long)(parts[0].iov_len + parts[1].iov_len);
    /* One call for both, so that who reads along sees whole entries. */
    if (syscall(SYS_writev, journal, parts, 2) != whole)
        die("machine: the journal cannot be written\n");
    journal_length += (uint64_t)whole;
}

static enum file file_at(const char *path)
{
    if (page == NULL || path == NULL)
        return OTHER;
    if (strcmp(path, folder) == 0)
        return FOLDER;
    size_t length = strlen(database);
    if (strncmp(path, database, length) != 0)
        return OTHER;
    path += length;
    if (*path == '\0')
        return DATABASE;
    if (strcmp(path, "-wal") == 0)
        return WAL;
    if (strcmp(path, "-journal") == 0)
        return ROLLBACK;
    return strcmp(path, "-shm") == 0 ? SHARED : OTHER;
}

static enum file file_of(int fd)
{
    if (page == NULL || fd < 0 || fd >= DESCRIPTORS_MAX)
        return OTHER;
    return atomic_load_explicit(&descriptors[fd], memory_order_acquire);
}

/* ---- files --------------------------------------------------------------------------------- */

static int open_it(int at, const char *path, int flags, mode_t mode)
{
    enum file file = file_at(path);
    if (file == OTHER)
        return (int)syscall(SYS_openat, at, path, flags, mode);
    enter();
    bool is_new = (flags & O_CREAT) && syscall(SYS_faccessat, at, path, F_OK) != 0;
    int fd = (int)syscall(SYS_openat, at, path, flags, mode);
    if (fd >= DESCRIPTORS_MAX)
        die("machine: too many open files\n");
    if (fd >= 0) {
        atomic_store_explicit(&descriptors[fd], file, memory_order_release);
        if (is_new)
            record(CREATED, file, 0, NULL, 0);
        else if (flags & O_TRUNC)
            record(TRUNCATED, file, 0, NULL, 0);
    }
    leave();
    return fd;
}

#define MODE_OF(flags, mode)                                                                       \
    mode_t mode = 0;                                                                               \
    if (((flags) & O_CREAT) || ((flags) & O_TMPFILE) == O_TMPFILE) {                               \
        va_list rest;                                                                              \
        va_start(rest, flags);                                                                     \
        mode = va_arg(rest, mode_t);                                                               \
        va_end(rest);                                                                              \
    }

int open(const char *path, int flags, ...)
{
    MODE_OF(flags, mode)
    return open_it(AT_FDCWD, path, flags, mode);
}

int openat(int at, const char *path, int flags, ...)
{
    MODE_OF(flags, mode)
    return open_it(at, path, flags, mode);
}

int close(int fd)
{
    if (file_of(fd) != OTHER)
        atomic_store_explicit(&descriptors[fd], OTHER, memory_order_release);
    return (int)syscall(SYS_close, fd);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t place)
{
    enum file file = file_of(fd);
    if (file == OTHER || length == 0)
        return syscall(SYS_pwrite64, fd, bytes, length, place);
    ssize_t done = -1;
    enter();
    atomic_fetch_add(&page->writes, file != SHARED);
    size_t fit = fitting(fd, length, place);
    if (file != SHARED && fails(&orders.fail_write)) {
        atomic_fetch_add(&page->failed_writes, 1);
        errno = EIO;
    } else if (fit == 0) {
        atomic_fetch_add(&page->no_room, 1);
        errno = ENOSPC;
    } else {
        done = syscall(SYS_pwrite64, fd, bytes, fit, place);
        if (done > 0)
            record(WRITTEN, file, (uint64_t)place, bytes, (size_t)done);
    }
    leave();
    return done;
}

int fsync(int fd)
{
    enum file file = file_of(fd);
    if (file == OTHER || file == SHARED)
        return (int)syscall(SYS_fsync, fd);
    enter();
    bool is_data = file != FOLDER, is_lie = orders.lie != 0;
    bool is_failure = is_data && fails(&orders.fail_fsync);
    uint64_t begun = journal_length;
    atomic_fetch_add(&page->fsyncs, is_data);
    atomic_fetch_add(&page->failed_fsyncs, is_failure);
    if (is_failure)
        record(SYNC_FAILED, file, begun, NULL, 0);
    leave();
    if (is_failure)
        return errno = EIO, -1;
    if (is_lie) {
        atomic_fetch_add(&page->lies, is_data);
        return 0;
    }
    int done = (int)syscall(SYS_fsync, fd);
    int why = errno;
    enter();
    record(done == 0 ? SYNCED : SYNC_FAILED, file, begun, NULL, 0);
    leave();
    errno = why;
    return done;
}

int ftruncate(int fd, off_t length)
{
    enum file file = file_of(fd);
    if (file == OTHER)
        return (int)syscall(SYS_ftruncate, fd, length);
    enter();
    int done = (int)syscall(SYS_ftruncate, fd, length);
    if (done == 0)
        record(TRUNCATED, file, (uint64_t)length, NULL, 0);
    leave();
    return done;
}

int unlink(const char *path)
{
    enum file file = file_at(path);
    if (file == OTHER)
        return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    enter();
    int done = (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    if (done == 0)
        record(REMOVED, file, 0, NULL, 0);
    leave();
    return done;
}

/* The same under the other names that the C library has for them. */
#define ALSO_AS(name) __attribute__((alias(name)))
int open64(const char *path, int flags, ...) ALSO_AS("open");
int openat64(int at, const char *path, int flags, ...) ALSO_AS("openat");
ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t place) ALSO_AS("pwrite");
int fdatasync(int fd) ALSO_AS("fsync");
int ftruncate64(int fd, off64_t length) ALSO_AS("ftruncate");

/* ---- the wall clock ------------------------------------------------------------------------ */

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int done = (int)syscall(SYS_clock_gettime, clock, now);
    if (page == NULL || done != 0 || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE))
        return done;
    uint64_t turn;
    int64_t offset_ms = read_orders(&turn).clock_offset_ms;
    now->tv_sec += offset_ms / 1000;
    now->tv_nsec += offset_ms % 1000 * 1000000;
    if (now->tv_nsec >= 1000000000) {
        now->tv_sec += 1;
        now->tv_nsec -= 1000000000;
    } else if (now->tv_nsec < 0) {
        now->tv_sec -= 1;
        now->tv_nsec += 1000000000;
    }
    return 0;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    (void)zone;
    struct timespec exact;
    int done = clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return done;
}

time_t time(time_t *now)
{
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (now != NULL)
        *now = exact.tv_sec;
    return exact.tv_sec;
}
