/* A participant's place in one meeting, on disk: the last snapshot, and the deltas since.
 *
 * Two files, NAME.snapshot and NAME.log, tied by a random generation: a snapshot is put in place
 * whole, and only then is the log begun anew; a log of another generation than the snapshot's says
 * nothing any more. Each record has its length and a checksum, so that a tail torn by a crash is
 * seen and cut off. The checksums find accidents; against tampering what is saved is sealed.
 */
#ifndef CMD_JOIN_LOG_H
#define CMD_JOIN_LOG_H

#include "cmd/join_folder.h"

struct join_log;

/* What there is. Views into the log's memory, until the next call. */
struct join_log_content {
    struct bytes snapshot; /* empty: there is nothing */
    const struct bytes *deltas;
    size_t n_deltas;
    size_t dropped; /* bytes of a torn tail */
};

/* Opens and reads. The folder must outlive it; name as in a file name. ESYNTAX: the snapshot is
 * damaged (join_log_forget() helps); ESTORE, ELIMIT, ENOMEM. *out is set also with ESYNTAX. */
int join_log_open(const struct join_folder *f, const char *name, struct join_log **out,
                  struct join_log_content *out_content) CONCLAVE_CHECKED;
void join_log_close(struct join_log *log);

/* On disk when it returns, in place of everything before. ESTORE, ERANDOM, ENOMEM. */
int join_log_snapshot(struct join_log *log, struct bytes data) CONCLAVE_CHECKED;

/* After a snapshot; on disk when it returns if `sync`. ESTATE without a snapshot; ESTORE. */
int join_log_append(struct join_log *log, struct bytes data, bool sync) CONCLAVE_CHECKED;

int join_log_forget(struct join_log *log) CONCLAVE_CHECKED;

#endif
