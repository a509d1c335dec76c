/* Keeping removals cheap. Members added together have bare subtrees above them, and the path of a
 * commit that removes somebody would have to be encrypted to each of them: at a thousand members
 * that is more than 100 KB for everybody. So once a large meeting is quiet, the first member of a
 * block of leaves commits with a path, which fills its block (docs/PROTOCOL.md section 5). */
#include "mls/group.h"
#include "participant/inner.h"

#define BLOCK_LEVEL 8 /* 256 leaves */
#define BLOCK_COST 64 /* ciphertexts for a block: worth a commit above that */
#define QUIET_US (5 * SECOND_US)
#define STAGGER_US (2 * SECOND_US) /* a block: each path makes the next one smaller */

static bool first_of_block(const struct participant *p, uint32_t own)
{
    for (uint32_t i = own >> BLOCK_LEVEL << BLOCK_LEVEL; i < own; i++)
        if (p->seats[i].verdict != NULL && p->seats[i].connected)
            return false;
    return true;
}

uint64_t participant_garden_time(const struct participant *p)
{
    uint32_t own = mls_group_own_leaf(p->group);
    if (p->garden_epoch == mls_group_epoch(p->group) + 1 ||
        mls_group_member_count(p->group) <= (uint32_t)1 << BLOCK_LEVEL || !first_of_block(p, own))
        return NEVER;
    return p->changed_us + QUIET_US + (own >> BLOCK_LEVEL) * STAGGER_US;
}

int participant_garden_wanted(struct participant *p, bool *out)
{
    size_t cost = 0;
    p->garden_epoch = mls_group_epoch(p->group) + 1;
    int rv = mls_group_subtree_cost(p->group, mls_group_own_leaf(p->group), BLOCK_LEVEL, &cost);
    *out = cost > BLOCK_COST;
    return rv;
}
