/* Certificates as a test wants them, true or wrong: a plan is filled with what is usual, a case
 * changes one thing, and plan_build() makes the bytes. */
#ifndef TESTS_IDENTITY_PLAN_H
#define TESTS_IDENTITY_PLAN_H

#include <conclave/identity.h>

#define PLAN_NOW 1790000000ull /* September 2026 */
#define PLAN_DAY 86400ull
#define PLAN_CERTIFICATES 12

enum plan_key {
    KEY_ROOT,
    KEY_MIDDLE,
    KEY_LEAF,
    KEY_STRANGER,
    KEY_SECOND,
    KEY_P384,
    KEY_ED25519,
    KEY_RSA_2048,
    KEY_RSA_1024,
    KEYS
};

enum plan_hash { HASH_OF_KEY, HASH_SHA1 };

/* One certificate. */
struct spec {
    const char *subject, *issuer; /* common names; NULL: an empty Name; issuer: the one above */
    const char *issuer_override;
    enum plan_key key, signer;
    enum plan_hash hash;
    uint64_t not_before, not_after;
    bool ca, no_basic, no_usage, no_extended;
    int path_length; /* -1: none */
    unsigned usage;  /* the byte of the BIT STRING */
    unsigned extended;
    struct buf names;               /* GeneralName elements */
    struct buf permitted, excluded; /* GeneralSubtree elements */
    struct buf extensions;          /* more of them, whole */
    bool flip_signature;
    uint32_t serial;
};

struct plan {
    struct spec root, middle, leaf;
    bool with_middle;
    enum identity_purpose purpose;
    const char *domains[2];
    size_t n_domains;
    uint64_t now;
    enum plan_key signature_key;
    struct identity_policy policy;
    bool revoke_leaf, revoke_middle;

    /* Works on the finished bytes. */
    void (*finish)(struct plan *p);
    struct buf anchor, chain[PLAN_CERTIFICATES];
    size_t n;
};

void plan_keys_open(void);
void plan_keys_close(void);
struct bytes plan_public_key(enum plan_key key);
struct crypto_signer *plan_signer(enum plan_key key); /* not of RSA keys */
struct crypto *plan_crypto(void);

/* alice@company.com for KEY_LEAF, by a private CA, through no intermediate. */
void plan_init(struct plan *p);
void plan_fini(struct plan *p);

void spec_name(struct spec *s, uint8_t tag, const char *name);
void spec_name_bytes(struct spec *s, uint8_t tag, const void *name, size_t n);
void spec_clear_names(struct spec *s);
void spec_subtree(struct buf *b, uint8_t tag, const char *base);
void spec_extension(struct spec *s, uint8_t id, bool critical, const void *value, size_t n);
#define TAG_EMAIL 0x81
#define TAG_DNS 0x82
#define TAG_URI 0x86

void spec_build(const struct spec *s, struct buf *out);

/* Makes anchor and chain. */
void plan_build(struct plan *p);

/* For plan.finish: one more intermediate that has nothing to do with it; another root is trusted
 * in place of the plan's. */
void plan_add_stranger(struct plan *p);
void plan_replace_anchor(struct plan *p);

/* What identity_verify() says about it. */
struct identity plan_verify(const struct plan *p);
struct identity_anchors *plan_anchors(const struct plan *p);

#endif
