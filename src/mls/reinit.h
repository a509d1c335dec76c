/* RFC 9420 11.2 and 11.3: a group that succeeds another, or branches off it. */
#ifndef MLS_REINIT_H
#define MLS_REINIT_H

#include "mls/group.h"

/* RFC 9420 12.4.3.1-6, -23 to -28: a group joined by a Welcome against the one it claims to come
 * from, if any. EREINIT, EPSK. */
int mls_reinit_check_welcome(const struct mls_group *g, struct bytes psks,
                             struct mls_group *const *existing, size_t n_existing) CONCLAVE_CHECKED;

#endif
