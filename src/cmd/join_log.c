#include "cmd/join_log.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/siphash.h"
#include "wire/reader.h"
#include "wire/writer.h"

/*  snapshot: "CONCSNP1" generation[16] checksum(8) data
 *  log:      "CONCLOG1" generation[16] { length(4) checksum(8) data }  */
#define SNAPSHOT_MAGIC "CONCSNP1"
#define LOG_MAGIC "CONCLOG1"
#define MAGIC 8
#define GENERATION 16
#define HEAD (MAGIC + GENERATION)
#define FILE_NAME_MAX 380

struct join_log {
    const struct join_folder *folder;
    char snapshot_name[FILE_NAME_MAX], log_name[FILE_NAME_MAX];
    uint8_t generation[GENERATION];
    bool begun; /* there is a snapshot of this generation */
    int fd;     /* of the log; -1: not open */
    off_t size; /* of the log: whole records */
    struct buf snapshot, records;
    struct bytes *deltas;
    size_t n_deltas;
};

/* ---- Reading ---- */

/* The generation, if the file begins as it should. */
static bool read_head(struct reader *r, const char *magic, uint8_t out[static GENERATION])
{
    struct bytes found = read_bytes(r, MAGIC), generation = read_bytes(r, GENERATION);
    if (!reader_ok(r) || !bytes_equal(found, bytes_str(magic)))
        return false;
    memcpy(out, generation.p, GENERATION);
    return true;
}

static int read_snapshot(struct join_log *log, struct bytes *out)
{
    int rv = join_folder_read(log->folder, log->snapshot_name, &log->snapshot);
    if (rv == CONCLAVE_ENOTFOUND)
        return 0;
    if (rv != 0)
        return rv;
    struct reader r = reader_of(buf_view(&log->snapshot));
    bool good = read_head(&r, SNAPSHOT_MAGIC, log->generation);
    uint64_t checksum = read_u64(&r);
    struct bytes data = read_bytes(&r, reader_left(&r));
    if (!good || !reader_ok(&r) || checksum != siphash(log->generation, data))
        return CONCLAVE_ESYNTAX;
    log->begun = true;
    *out = data;
    return 0;
}

static bool read_record(struct reader *r, const uint8_t generation[static GENERATION],
                        struct bytes *out)
{
    struct reader at = *r;
    size_t n = read_u32(&at);
    uint64_t checksum = read_u64(&at);
    *out = read_bytes(&at, n);
    if (!reader_ok(&at) || checksum != siphash(generation, *out))
        return false;
    *r = at;
    return true;
}

/* The records up to the first that is not whole; *out_end: where that is. */
static int read_records(struct join_log *log, size_t *out_end)
{
    struct reader r = reader_of(buf_view(&log->records));
    uint8_t generation[GENERATION];
    size_t cap = 0;
    struct bytes record;

    if (!read_head(&r, LOG_MAGIC, generation) ||
        !bytes_equal(bytes_of(generation, GENERATION), bytes_of(log->generation, GENERATION))) {
        *out_end = 0;
        return 0;
    }
    while (read_record(&r, generation, &record)) {
        if (log->n_deltas == cap) {
            cap = cap == 0 ? 16 : 2 * cap;
            struct bytes *more = realloc(log->deltas, cap * sizeof *more);
            if (more == NULL)
                return CONCLAVE_ENOMEM;
            log->deltas = more;
        }
        log->deltas[log->n_deltas++] = record;
    }
    *out_end = (size_t)(r.p - log->records.p);
    return 0;
}

/* ---- Writing ---- */

static int open_log(struct join_log *log, int flags)
{
    if (log->fd >= 0)
        close(log->fd);
    log->fd = openat(join_folder_fd(log->folder), log->log_name,
                     O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
    return log->fd < 0 ? CONCLAVE_ESTORE : 0;
}

/* What could not be written whole is taken back, so that later records do not follow a torn one. */
static int append_to_log(struct join_log *log, const struct buf *b)
{
    if (buf_check(b) != 0)
        return CONCLAVE_ENOMEM;
    if (write(log->fd, b->p, b->n) != (ssize_t)b->n) {
        if (ftruncate(log->fd, log->size) != 0)
            log->begun = false;
        return CONCLAVE_ESTORE;
    }
    log->size += (off_t)b->n;
    return 0;
}

static int begin_log(struct join_log *log)
{
    struct buf head = {0};
    int rv = open_log(log, O_TRUNC);
    buf_put(&head, bytes_str(LOG_MAGIC));
    buf_put(&head, bytes_of(log->generation, GENERATION));
    log->size = 0;
    if (rv == 0)
        rv = append_to_log(log, &head);
    buf_free(&head);
    return rv;
}

/* Appending goes on after the last whole record. */
static int cut_log(struct join_log *log, size_t end)
{
    if (end == 0)
        return begin_log(log);
    int rv = open_log(log, 0);
    log->size = (off_t)end;
    if (rv == 0 && ftruncate(log->fd, log->size) != 0)
        rv = CONCLAVE_ESTORE;
    return rv;
}

int join_log_snapshot(struct join_log *log, struct bytes data)
{
    struct buf file = {0};
    uint8_t generation[GENERATION];
    if (getentropy(generation, sizeof generation) != 0)
        return CONCLAVE_ERANDOM;
    buf_put(&file, bytes_str(SNAPSHOT_MAGIC));
    buf_put(&file, bytes_of(generation, GENERATION));
    write_u64(&file, siphash(generation, data));
    buf_put(&file, data);
    int rv = buf_check(&file);
    if (rv == 0)
        rv = join_folder_write(log->folder, log->snapshot_name, buf_view(&file));
    buf_free(&file);
    if (rv != 0)
        return rv;
    memcpy(log->generation, generation, GENERATION);
    log->begun = true;
    return begin_log(log);
}

int join_log_append(struct join_log *log, struct bytes data, bool sync)
{
    struct buf record = {0};
    if (!log->begun)
        return CONCLAVE_ESTATE;
    write_u32(&record, (uint32_t)data.n);
    write_u64(&record, siphash(log->generation, data));
    buf_put(&record, data);
    int rv = append_to_log(log, &record);
    if (rv == 0 && sync && fdatasync(log->fd) != 0)
        rv = CONCLAVE_ESTORE;
    buf_free(&record);
    return rv;
}

int join_log_forget(struct join_log *log)
{
    log->begun = false;
    int rv = join_folder_remove(log->folder, log->snapshot_name);
    int rv2 = join_folder_remove(log->folder, log->log_name);
    return rv != 0 ? rv : rv2;
}

/* ---- Opening ---- */

static int load(struct join_log *log, struct join_log_content *out)
{
    struct join_log_content content = {0};
    size_t end = 0;
    int rv = read_snapshot(log, &content.snapshot);
    if (rv != 0 || !log->begun)
        return rv;
    rv = join_folder_read(log->folder, log->log_name, &log->records);
    if (rv == 0)
        rv = read_records(log, &end);
    else if (rv == CONCLAVE_ENOTFOUND)
        rv = 0;
    if (rv == 0)
        rv = cut_log(log, end);
    if (rv != 0)
        return rv;
    content.deltas = log->deltas;
    content.n_deltas = log->n_deltas;
    content.dropped = end == 0 ? 0 : log->records.n - end;
    *out = content;
    return 0;
}

int join_log_open(const struct join_folder *f, const char *name, struct join_log **out,
                  struct join_log_content *out_content)
{
    struct join_log *log = calloc(1, sizeof *log);
    if (log == NULL)
        return CONCLAVE_ENOMEM;
    memset(out_content, 0, sizeof *out_content);
    log->folder = f;
    log->fd = -1;
    int rv = CONCLAVE_EINVAL;
    if (snprintf(log->snapshot_name, FILE_NAME_MAX, "%s.snapshot", name) < FILE_NAME_MAX &&
        snprintf(log->log_name, FILE_NAME_MAX, "%s.log", name) < FILE_NAME_MAX)
        rv = load(log, out_content);
    if (rv == 0 || rv == CONCLAVE_ESYNTAX)
        *out = log;
    else
        join_log_close(log);
    return rv;
}

void join_log_close(struct join_log *log)
{
    if (log == NULL)
        return;
    if (log->fd >= 0)
        close(log->fd);
    buf_free(&log->snapshot);
    buf_free(&log->records);
    free(log->deltas);
    free(log);
}
