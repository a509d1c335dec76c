/* Which run of SFrame contexts a process may seal with (call/call.h): a participant that comes back
 * to its leaf within an epoch has forgotten its counters, and must not seal under those of the
 * process before (RFC 9605 9.1). There are CALL_RUNS, taken in turn; what was taken is on disk
 * before it is used.
 */
#ifndef CMD_JOIN_MEDIA_RUN_H
#define CMD_JOIN_MEDIA_RUN_H

#include "cmd/join_folder.h"

/* The next run, for a process that begins in this epoch. epoch: a number that no other epoch of any
 * group has; an exported secret is one. folder: NULL if nothing is kept, and the leaf with its keys
 * dies with the process. name: of the meeting, as in a file name. EEXHAUSTED: all of them served in
 * this epoch; after the next commit there are more. ESTORE, ENOMEM. */
int join_media_run_take(const struct join_folder *folder, const char *name, uint64_t epoch,
                        uint8_t *out) CONCLAVE_CHECKED;

#endif
