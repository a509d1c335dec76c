/* A program's log: one line for each thing that happened, with time and level.
 *
 *     2026-08-01T12:34:56.789Z warning the database is locked
 *
 * It goes to a file, which is opened again when asked (after logrotate moved it) and turned over by
 * size if that is set, or to standard error. Lines hold addresses, numbers and ids: never keys,
 * tokens, names or what people write; whoever calls sees to that. Control characters are replaced.
 * One thread at a time.
 */
#ifndef NET_LOG_H
#define NET_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include <conclave/error.h>

enum net_level { NET_ERROR, NET_WARNING, NET_INFO, NET_DEBUG };

struct net_log;

struct net_log_config {
    const char *path; /* NULL: standard error */
    enum net_level level;
    size_t max_bytes; /* then path becomes path.1, path.1 path.2...; 0: never */
    unsigned keep;    /* of those, at most 99 */
};

/* ESTORE if the file cannot be opened for writing (see errno), ENOMEM. */
int net_log_open(const struct net_log_config *config, struct net_log **out) CONCLAVE_CHECKED;
/* Opens the file again; what is written goes to the old one if that fails. ESTORE. */
int net_log_reopen(struct net_log *l) CONCLAVE_CHECKED;
void net_log_close(struct net_log *l);

/* l may be NULL: then nothing is written. */
__attribute__((format(printf, 3, 4))) void net_log(struct net_log *l, enum net_level level,
                                                   const char *format, ...);

/* "error", "warning", "info", "debug"; false for any other word. */
bool net_level_parse(const char *word, enum net_level *out);

#endif
