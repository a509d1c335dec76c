/* Which received proposals a commit of ours refers to. */
#ifndef MLS_COMMIT_SELECT_H
#define MLS_COMMIT_SELECT_H

#include "mls/public_group.h"

/* Appends ProposalOrRef references, in order of arrival, to what goes well together with the
 * changes that are committed by value. */
int mls_commit_select(const struct mls_public_group *g, uint32_t own,
                      const struct mls_change *changes, size_t n_changes,
                      struct buf *out) CONCLAVE_CHECKED;

#endif
