/* The folder in which a participant keeps what it needs to come back: its key, its certificate, its
 * sign-in, its place in a meeting. Nobody but its owner may read it, and one process at a time may
 * use it: two with one signature key would be one participant twice.
 */
#ifndef CMD_JOIN_FOLDER_H
#define CMD_JOIN_FOLDER_H

#include <conclave/bytes.h>

/* A file; more is not read. */
#define JOIN_FILE_MAX ((size_t)256 << 20)

struct join_folder;

/* Makes the folder (mode 0700) if it is not there. ESTATE: another process uses it; EPOLICY: others
 * may write to it; ESTORE: errno says why; ENOMEM. */
int join_folder_open(const char *path, struct join_folder **out) CONCLAVE_CHECKED;
void join_folder_close(struct join_folder *f);

/* The folder itself, for openat(). */
int join_folder_fd(const struct join_folder *f);

/* The whole file, wiped from out when that is freed. ENOTFOUND, ELIMIT, ESTORE, ENOMEM. */
int join_folder_read(const struct join_folder *f, const char *name,
                     struct buf *out) CONCLAVE_CHECKED;

/* In place of what the file held, all or nothing, on disk when it returns. Mode 0600. ESTORE. */
int join_folder_write(const struct join_folder *f, const char *name,
                      struct bytes data) CONCLAVE_CHECKED;

/* A file that is not there is fine. ESTORE. */
int join_folder_remove(const struct join_folder *f, const char *name) CONCLAVE_CHECKED;

#endif
