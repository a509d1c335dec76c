#include "cmd/join_media_run.h"

#include <stdio.h>

#include "call/call.h"
#include "wire/reader.h"
#include "wire/writer.h"

/* The file: how many processes there were, and the epochs the last of them began in. The one that
 * had our run, eight processes ago, sealed at the latest in the epoch that the one after it began
 * in. Epochs do not come back, so if this is not that epoch, it is a later one. */
#define STARTS (CALL_RUNS - 1)
#define FILE_NAME 96

struct starts {
    uint64_t count;
    uint64_t epoch[STARTS]; /* the oldest first */
};

static int read_starts(struct bytes data, struct starts *out)
{
    struct reader r = reader_of(data);
    out->count = read_u64(&r);
    for (size_t i = 0; i < STARTS; i++)
        out->epoch[i] = read_u64(&r);
    return reader_end(&r);
}

static int load(const struct join_folder *folder, const char *file, struct starts *out)
{
    struct buf data = {0};
    int rv = join_folder_read(folder, file, &data);
    if (rv == CONCLAVE_ENOTFOUND) {
        *out = (struct starts){0};
        rv = 0;
    } else if (rv == 0) {
        rv = read_starts(buf_view(&data), out);
    }
    buf_free(&data);
    return rv;
}

static int store(const struct join_folder *folder, const char *file, const struct starts *s)
{
    struct buf data = {0};
    write_u64(&data, s->count);
    for (size_t i = 0; i < STARTS; i++)
        write_u64(&data, s->epoch[i]);
    int rv = buf_check(&data);
    if (rv == 0)
        rv = join_folder_write(folder, file, buf_view(&data));
    buf_free(&data);
    return rv;
}

int join_media_run_take(const struct join_folder *folder, const char *name, uint64_t epoch,
                        uint8_t *out)
{
    char file[FILE_NAME];
    struct starts s;
    if (folder == NULL) {
        *out = 0;
        return 0;
    }
    int n = snprintf(file, sizeof file, "%s.media-runs", name);
    if (n < 0 || (size_t)n >= sizeof file)
        return CONCLAVE_EINVAL;
    int rv = load(folder, file, &s);
    if (rv != 0) /* what was used is not known: nothing is */
        return rv == CONCLAVE_ESYNTAX ? CONCLAVE_ESTORE : rv;
    if (s.count >= CALL_RUNS && epoch == s.epoch[0])
        return CONCLAVE_EEXHAUSTED;
    uint8_t run = (uint8_t)(s.count % CALL_RUNS);
    for (size_t i = 0; i + 1 < STARTS; i++)
        s.epoch[i] = s.epoch[i + 1];
    s.epoch[STARTS - 1] = epoch;
    s.count++;
    rv = store(folder, file, &s);
    if (rv == 0)
        *out = run;
    return rv;
}
