/* Which received proposals a commit of ours refers to. */
#ifndef MLS_COMMIT_SELECT_H
#define MLS_COMMIT_SELECT_H

#include "mls/group.h"

/* Stages a commit of ours: what it says by value (ProposalOrRef, already encoded) and, with
 * `cached`, every received proposal that goes with it. Errors are those of what is by value. */
int mls_commit_select(struct mls_group *g, struct bytes by_value, bool cached, uint64_t now,
                      struct mls_staged **out) CONCLAVE_CHECKED;

#endif
