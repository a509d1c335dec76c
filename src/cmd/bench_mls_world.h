/* The groups that `conclave bench mls` measures. */
#ifndef CMD_BENCH_MLS_WORLD_H
#define CMD_BENCH_MLS_WORLD_H

#include <conclave/mls.h>

#define MLS_NOW 1700000000u
#define MLS_BENCH_MEMBERS_MAX 60000u

struct mls_options {
    uint16_t suite;
    uint32_t members;
    bool json, quick;
};

struct mls_floor {
    double sign, verify, base, dh;
};

struct mls_member_state {
    struct crypto_signer *signer;
    struct mls_client *client;
    struct mls_group *group;
};

/* A founder alone, key packages of n - 1 others, of whom the last can join, and one more. */
struct mls_world {
    uint16_t suite;
    uint32_t n;
    struct crypto *crypto;
    struct mls_member_state founder, joiner;
    struct buf *packages; /* messages; n of them, the last is the extra one's */
    struct mls_change *adds;
    struct mls_change extra;
    struct buf joiner_saved; /* its key package with private keys */
    struct buf welcome;
};

int mls_world_new(uint16_t suite, uint32_t n, struct mls_world **out) CONCLAVE_CHECKED;
void mls_world_free(struct mls_world *w);

/* Exits with a message if rv is not 0: without its groups there is nothing to measure. */
void mls_must(int rv, const char *what);

/* The joiner's client anew, with this executor, and its key package restored. */
int mls_world_joiner(struct mls_world *w, const struct mls_executor *executor,
                     struct mls_key_package **out) CONCLAVE_CHECKED;

/* A member's group again, by save and restore. Exits if that fails. */
struct mls_group *mls_world_copy(struct mls_world *w, const struct mls_member_state *m);

/* Fills every blank parent that has members on both sides with a key of its own, in the trees of
 * founder and joiner alike, as if everybody had committed; the joiner knows those above it. */
void mls_world_fill(struct mls_world *w);

size_t mls_world_leaf_bytes(const struct mls_world *w);
long mls_world_peak_kb(void);

#endif
