/* A client with everything around it that an application would have: keys, a key package to hand
 * out, a group, and a disk that the group persists to. For the tests of whole groups. */
#ifndef TESTS_SIM_MLS_PARTY_H
#define TESTS_SIM_MLS_PARTY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <conclave/mls.h>

#define NOW UINT64_C(1700000000)
#define DAY UINT64_C(86400)

/* An extension and a proposal of the application's own, which every party supports. */
#define CUSTOM_EXTENSION 0xf042
#define CUSTOM_PROPOSAL 0xf043

/* Fails the test, naming the error, unless the call returns what it should. */
#define OK(call) party_expect((call), 0, #call, __FILE__, __LINE__)
#define REFUSED(call, error) party_expect((call), (error), #call, __FILE__, __LINE__)
void party_expect(int rv, int wanted, const char *call, const char *file, int line);

#define NOTHING bytes_of(NULL, 0)

/* The last save and the deltas since, as store() was given them. */
struct disk {
    struct buf saved;
    struct buf *deltas;
    size_t n, cap;
    bool fails; /* the next write, and all after it */
    size_t writes;
};

struct party {
    unsigned id;
    char name[24];
    struct crypto *crypto;
    struct crypto_signer *signer;
    struct mls_client *client;
    struct mls_key_package *kp;
    struct mls_group *group;
    struct disk disk;
    uint8_t key[32]; /* that seals the disk */
};

struct party_options {
    uint16_t suite;
    struct mls_policy policy;
    /* check_identity and find_psk are filled in if NULL, store if ctx is, too */
    struct mls_callbacks callbacks;
    struct mls_executor executor;
    struct mls_credential credential; /* basic with the party's name unless set */
    struct crypto_signer *signer;     /* borrowed; NULL: made, with the party's crypto */
    const uint16_t *suites, *credentials;
    size_t n_suites, n_credentials;
    const struct mls_extension *leaf_extensions;
    size_t n_leaf_extensions;
    bool plain; /* supports nothing beyond RFC 9420 */
};

struct party_options party_defaults(uint16_t suite);
void party_init(struct party *p, unsigned id, const struct party_options *options);
void party_fini(struct party *p);

/* A fresh key package in p->kp, and its message. */
struct bytes party_key_package(struct party *p);

/* Founds p->group and saves it. */
void party_found(struct party *p, const char *group_id, const struct mls_extension *extensions,
                 size_t n);

/* Joins by a Welcome with p->kp. tree: apart, or empty. */
void party_join(struct party *p, const struct buf *welcome, struct bytes tree);

/* The whole state, unsealed: equal at two times if nothing changed between them. */
void party_state(struct party *p, struct buf *out);

/* Writes a sealed save, and throws the deltas before it away. */
void party_save(struct party *p);

/* Loses the group in memory and restores it from the disk. */
void party_crash(struct party *p);
int party_restore(struct party *p, struct mls_group **out);

/* All parties of a list that are members take a message; what they get must be an application
 * message of this text, a proposal, or a commit, which is merged. The sender is skipped. */
void parties_read(struct party *all, size_t n, const struct party *from, const struct buf *message,
                  const char *text);
void parties_take(struct party *all, size_t n, const struct party *from, const struct buf *message);

/* One commits, everybody takes it, newcomers with a key package join by the Welcome. */
void parties_commit(struct party *all, size_t n, struct party *by, const struct mls_change *changes,
                    size_t n_changes, const struct mls_commit_options *options);

/* Everybody has the same authenticator, exporter, context and roster; each reads the others. */
void parties_agree(struct party *all, size_t n);
void parties_talk(struct party *all, size_t n);
bool groups_equal(struct mls_group *a, struct mls_group *b);

/* The founder commits all others in at once. */
void parties_gather(struct party *all, size_t n, const char *group_id);

#endif
