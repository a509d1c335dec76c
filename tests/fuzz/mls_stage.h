/* The stage of the MLS fuzzers: four members of a group and one outside, the same at every start.
 * Keys follow from a seed, and the suite signs without chance (Ed25519), so an input that finds
 * something finds it again. */
#ifndef TESTS_FUZZ_MLS_STAGE_H
#define TESTS_FUZZ_MLS_STAGE_H

#include <conclave/mls.h>

#define STAGE_SUITE CRYPTO_X25519_AES128GCM_SHA256_ED25519
#define STAGE_NOW UINT64_C(1700000000)
#define STAGE_MEMBERS 4
#define STAGE_DELTAS 6
#define STAGE_CUSTOM 0xf042

/* What every run of a fuzzer starts from. */
struct stage {
    struct mls_client *client[STAGE_MEMBERS + 1]; /* the last is outside */
    struct crypto_signer *signer[STAGE_MEMBERS + 1];
    struct mls_callbacks callbacks;
    struct buf saved[STAGE_MEMBERS]; /* in epoch 1 */
    struct buf deltas[STAGE_DELTAS]; /* of member 1, from its save on */
    struct buf key_package;          /* the outsider's, saved */
    struct buf public_saved;
    /* messages that are right: for member 1 in epoch 1, and for the outsider */
    struct buf application, proposal, commit, private_commit, welcome, group_info, tree,
        key_package_message;
};

/* Made at the first call. */
const struct stage *stage(void);

/* Starts the random numbers of all clients anew. */
void stage_seed(uint64_t seed);

/* A member as saved, one that went on to later deltas, the outsider's key package. To be freed. */
struct mls_group *stage_member(unsigned i);
struct mls_key_package *stage_key_package(void);

/* Bytes of the stage with changes of the input's: two bytes where, one byte what (0: cut there). So
 * a seed stays good when keys change. */
void stage_edit(const struct buf *base, struct bytes edits, struct buf *out);

/* Ends the program if something that must hold does not. */
#define MUST_HOLD(condition) stage_must_hold((condition), #condition, __FILE__, __LINE__)
void stage_must_hold(bool holds, const char *what, const char *file, int line);

#endif
