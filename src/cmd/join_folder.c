#include "cmd/join_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_MAX_HERE 400

struct join_folder {
    int fd, lock;
};

static int open_folder(const char *path, int *out)
{
    struct stat st;
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return CONCLAVE_ESTORE;
    *out = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*out < 0 || fstat(*out, &st) != 0)
        return CONCLAVE_ESTORE;
    /* What is in it could be exchanged. */
    return (st.st_mode & 0022) != 0 || st.st_uid != geteuid() ? CONCLAVE_EPOLICY : 0;
}

/* The lock ends with the process, however that ends. */
static int take_lock(struct join_folder *f)
{
    f->lock = openat(f->fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (f->lock < 0)
        return CONCLAVE_ESTORE;
    if (flock(f->lock, LOCK_EX | LOCK_NB) == 0)
        return 0;
    return errno == EWOULDBLOCK ? CONCLAVE_ESTATE : CONCLAVE_ESTORE;
}

int join_folder_open(const char *path, struct join_folder **out)
{
    struct join_folder *f = calloc(1, sizeof *f);
    if (f == NULL)
        return CONCLAVE_ENOMEM;
    f->fd = f->lock = -1;
    int rv = open_folder(path, &f->fd);
    if (rv == 0)
        rv = take_lock(f);
    if (rv == 0)
        *out = f;
    else
        join_folder_close(f);
    return rv;
}

void join_folder_close(struct join_folder *f)
{
    int saved = errno;
    if (f == NULL)
        return;
    if (f->lock >= 0)
        close(f->lock);
    if (f->fd >= 0)
        close(f->fd);
    free(f);
    errno = saved;
}

int join_folder_fd(const struct join_folder *f)
{
    return f->fd;
}

static int read_all(int fd, struct buf *out)
{
    uint8_t piece[16384];
    ssize_t n = 0;
    while ((n = read(fd, piece, sizeof piece)) > 0) {
        if (out->n + (size_t)n > JOIN_FILE_MAX)
            return CONCLAVE_ELIMIT;
        buf_put(out, bytes_of(piece, (size_t)n));
    }
    return n < 0 ? CONCLAVE_ESTORE : buf_check(out);
}

int join_folder_read(const struct join_folder *f, const char *name, struct buf *out)
{
    struct buf data = {0};
    int fd = openat(f->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT ? CONCLAVE_ENOTFOUND : CONCLAVE_ESTORE;
    int rv = read_all(fd, &data);
    if (rv == 0)
        buf_move(out, &data);
    buf_free(&data);
    close(fd);
    return rv;
}

static int write_all(int fd, struct bytes data)
{
    while (data.n > 0) {
        ssize_t n = write(fd, data.p, data.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return CONCLAVE_ESTORE;
        data = bytes_of(data.p + n, data.n - (size_t)n);
    }
    return fsync(fd) == 0 ? 0 : CONCLAVE_ESTORE;
}

int join_folder_write(const struct join_folder *f, const char *name, struct bytes data)
{
    char draft[NAME_MAX_HERE];
    if (snprintf(draft, sizeof draft, "%s.new", name) >= (int)sizeof draft)
        return CONCLAVE_EINVAL;
    int fd = openat(f->fd, draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return CONCLAVE_ESTORE;
    int rv = write_all(fd, data);
    if (close(fd) != 0)
        rv = CONCLAVE_ESTORE;
    /* The new name is on disk only once the folder is. */
    if (rv == 0 && (renameat(f->fd, draft, f->fd, name) != 0 || fsync(f->fd) != 0))
        rv = CONCLAVE_ESTORE;
    if (rv != 0)
        unlinkat(f->fd, draft, 0);
    return rv;
}

int join_folder_remove(const struct join_folder *f, const char *name)
{
    if (unlinkat(f->fd, name, 0) != 0)
        return errno == ENOENT ? 0 : CONCLAVE_ESTORE;
    return fsync(f->fd) == 0 ? 0 : CONCLAVE_ESTORE;
}
