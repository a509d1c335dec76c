/* What the kinds of MLS test vectors share: one entry under way, and how its fields are read.
 *
 * A check is sticky: the first thing that is wrong is kept and told; after it, fields read as
 * empty. So a kind reads all fields, asks vec_ok() once, and goes on. What is allocated with
 * vec_alloc(), vec_buf() and vec_tree() lives until the entry ends.
 */
#ifndef VECTORS_MLS_VECTORS_H
#define VECTORS_MLS_VECTORS_H

#include <jansson.h>

#include "crypto/suite.h"
#include "mls/tree.h"

#define VEC_SUITES 7 /* 0x0001 to 0x0007, RFC 9420 17.1 */

struct vec_block;

struct vec {
    struct crypto *crypto;                 /* of the entry's suite, after vec_suite() */
    struct crypto *suites[VEC_SUITES + 1]; /* made when first needed, kept for later entries */
    struct vec_block *blocks;
    bool failed, skipped;
    char scope[80];
    char why[320];
};

/* Between entries, and at the end of all. */
void vec_reset(struct vec *v);
void vec_fini(struct vec *v);

/* ---- Verdicts ---- */

bool vec_ok(const struct vec *v);
void vec_fail(struct vec *v, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Where in the entry the next checks are: "epoch 3". */
void vec_scope(struct vec *v, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Each returns whether all is well so far. rv: an error of the library. */
bool vec_rv(struct vec *v, int rv, const char *what);
bool vec_true(struct vec *v, bool condition, const char *what);
bool vec_same(struct vec *v, struct bytes got, struct bytes want, const char *what);
bool vec_same_number(struct vec *v, uint64_t got, uint64_t want, const char *what);

/* ---- Memory ---- */

void *vec_alloc(struct vec *v, size_t n); /* zeroed */
struct buf *vec_buf(struct vec *v);
struct mls_tree *vec_tree(struct vec *v); /* empty, of the entry's suite */
void vec_defer(struct vec *v, void (*fini)(void *object), void *object);

/* ---- Fields: absent, null or of another type is a failure ---- */

const json_t *vec_field(struct vec *v, const json_t *o, const char *name);
const json_t *vec_list(struct vec *v, const json_t *o, const char *name);
const json_t *vec_object(struct vec *v, const json_t *o, const char *name);
const char *vec_string(struct vec *v, const json_t *o, const char *name);
uint64_t vec_u64(struct vec *v, const json_t *o, const char *name);
uint32_t vec_u32(struct vec *v, const json_t *o, const char *name);
uint16_t vec_u16(struct vec *v, const json_t *o, const char *name);
struct bytes vec_hex(struct vec *v, const json_t *o, const char *name);
struct secret vec_secret(struct vec *v, const json_t *o, const char *name);

/* false if absent or null: then there is nothing to read. */
bool vec_has(const json_t *o, const char *name);

/* The same for a value that has no name of its own, such as an element of a list. */
uint64_t vec_number_of(struct vec *v, const json_t *value, uint64_t max, const char *name);
struct bytes vec_hex_of(struct vec *v, const json_t *value, const char *name);
struct secret vec_secret_of(struct vec *v, const json_t *value, const char *name);

/* Reads cipher_suite and makes v->crypto; comes before the other fields. An id that RFC 9420 does
 * not know skips the entry. */
bool vec_suite(struct vec *v, const json_t *o);

/* Private keys, after vec_suite(): where the file has left out leading zeros of a scalar, they are
 * put back. */
struct bytes vec_signature_priv(struct vec *v, const json_t *o, const char *name);
struct secret vec_hpke_priv(struct vec *v, const json_t *o, const char *name);

/* A GroupContext without extensions, encoded. */
struct bytes vec_context(struct vec *v, struct bytes group_id, uint64_t epoch,
                         struct bytes tree_hash, struct bytes confirmed_hash);

/* A ratchet_tree<V> that ends where the bytes end. */
struct mls_tree *vec_read_tree(struct vec *v, struct bytes encoded, const char *name);

/* A whole file; *out_why says what is wrong with it. */
json_t *vec_load(const char *path, struct buf *out_why);

/* ---- The kinds ---- */

typedef void vec_run(struct vec *v, const json_t *entry);

vec_run vec_tree_math, vec_crypto_basics, vec_deserialization;   /* mls_vectors_basics.c */
vec_run vec_key_schedule, vec_psk_secret, vec_transcript_hashes; /* mls_vectors_schedule.c */
vec_run vec_welcome;                                             /* mls_vectors_welcome.c */
vec_run vec_secret_tree, vec_message_protection;                 /* mls_vectors_framing.c */
vec_run vec_tree_operations, vec_tree_validation;                /* mls_vectors_tree.c */
vec_run vec_treekem;                                             /* mls_vectors_treekem.c */
vec_run vec_messages;                                            /* mls_vectors_messages.c */
vec_run vec_passive_client;                                      /* mls_vectors_passive.c */

/* Makes vectors of a kind, of one suite or of all (0); NULL if it cannot. In
 * mls_vectors_generate.c. */
json_t *vec_generate(const char *kind, uint16_t suite);
const char *vec_generate_kinds(void);

#endif
