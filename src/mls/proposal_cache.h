/* RFC 9420 12.1: proposals received in this epoch, by their ProposalRef, in order of arrival. */
#ifndef MLS_PROPOSAL_CACHE_H
#define MLS_PROPOSAL_CACHE_H

#include "mls/proposal.h"

struct mls_cached {
    uint8_t ref[CRYPTO_HASH_MAX];
    uint32_t order;
    bool ignored; /* not for our commits, nor holding anything back; others may refer to it */
    struct mls_sender sender;
    struct mls_proposal proposal; /* views into raw */
    size_t raw_n;
    uint8_t raw[];
};

struct mls_proposal_cache {
    struct mls_cached **sorted; /* by ref */
    size_t n, cap;
    size_t n_active;  /* that are not ignored */
    size_t bytes;     /* of all proposals */
    size_t n_outside; /* from senders that are no members */
    uint32_t next_order;
};

/* NULL if unknown. */
const struct mls_cached *mls_cache_find(const struct mls_proposal_cache *c, struct bytes ref);

/* Room for one more, so that put cannot fail. ELIMIT, ENOMEM. */
int mls_cache_reserve(struct mls_proposal_cache *c, struct mls_sender sender,
                      size_t bytes) CONCLAVE_CHECKED;

/* An entry for a proposal, copied; ref: nh bytes. NULL without memory. */
struct mls_cached *mls_cached_new(struct bytes ref, struct mls_sender sender,
                                  struct bytes proposal);

/* Takes the entry; a ref that is there already keeps the older one, which counts again if it was
 * set aside. Needs the reserve. */
const struct mls_cached *mls_cache_put(struct mls_proposal_cache *c, size_t nh,
                                       struct mls_cached *entry);

void mls_cache_clear(struct mls_proposal_cache *c);

/* Sets one aside, or all. ENOTFOUND. */
int mls_cache_ignore(struct mls_proposal_cache *c, struct bytes ref) CONCLAVE_CHECKED;
void mls_cache_ignore_all(struct mls_proposal_cache *c);

/* The i-th in order of arrival needs a table: fills `out` with n pointers. */
void mls_cache_in_order(const struct mls_proposal_cache *c, const struct mls_cached **out);

void mls_cached_describe(const struct mls_cached *e, size_t nh, struct mls_proposal_info *out);

/* State. */
void mls_cached_write(const struct mls_cached *e, size_t nh, struct buf *b);
int mls_cached_read(struct reader *r, size_t nh, struct mls_cached **out) CONCLAVE_CHECKED;

#endif
