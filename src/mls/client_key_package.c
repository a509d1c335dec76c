/* Key packages of our own: made, kept, restored, and looked at when they are somebody else's. */
#include <stdlib.h>
#include <string.h>

#include "crypto/labels.h"
#include "mls/client.h"
#include "mls/credential.h"
#include "mls/extension.h"
#include "mls/framing.h"
#include "mls/seal.h"
#include "wire/writer.h"

#define SAVE_VERSION 1

/* The leaf with a fresh encryption key. */
static int make_leaf(struct mls_client *c, uint64_t not_before, uint64_t not_after,
                     struct secret *priv, struct buf *out)
{
    uint8_t pub[CRYPTO_PUBLIC_KEY_MAX];
    struct mls_leaf_content leaf;
    int rv = hpke_generate_key_pair(c->crypto, priv, pub);
    if (rv != 0)
        return rv;
    mls_client_leaf(c, c->signer, NULL, &leaf);
    leaf.encryption_key = bytes_of(pub, c->crypto->suite->npk);
    leaf.source = LEAF_KEY_PACKAGE; /* RFC 9420 10-6 */
    leaf.not_before = not_before;
    leaf.not_after = not_after;
    return mls_leaf_sign(&leaf, c->signer, bytes_of(NULL, 0), 0, out);
}

static int make_extensions(struct mls_client *c, bool last_resort, struct buf *out)
{
    struct mls_extension e = {.type = MLS_EXT_LAST_RESORT_KEY_PACKAGE};
    uint16_t grease = 0;
    struct reader r = reader_of(c->capabilities.extensions);
    /* RFC 9420 10-7, 13.5-2: GREASE here is the value that the capabilities list */
    while (reader_left(&r) != 0) {
        uint16_t type = read_u16(&r);
        if (mls_is_grease(type))
            grease = type;
    }
    size_t mark = write_vec_begin(out);
    if (last_resort) {
        write_u16(out, e.type);
        write_vec(out, e.data);
    }
    if (c->policy.grease && grease != 0) {
        write_u16(out, grease);
        write_vec(out, bytes_str("grease"));
    }
    write_vec_end(out, mark);
    return buf_check(out);
}

static int make_package(struct mls_key_package *kp, uint64_t not_before, uint64_t not_after)
{
    struct mls_client *c = kp->client;
    struct buf leaf = {0}, sig = {0};
    struct buf *b = &kp->message;
    uint8_t init_pub[CRYPTO_PUBLIC_KEY_MAX];
    int rv = make_leaf(c, not_before, not_after, &kp->leaf_priv, &leaf);
    if (rv == 0) /* RFC 9420 10-2: fresh for every key package */
        rv = hpke_generate_key_pair(c->crypto, &kp->init_priv, init_pub);
    mls_message_begin(b, MLS_KEY_PACKAGE);
    size_t start = b->n;
    write_u16(b, MLS_VERSION);
    write_u16(b, crypto_suite(c->crypto));
    write_vec(b, bytes_of(init_pub, c->crypto->suite->npk));
    buf_put(b, buf_view(&leaf));
    if (rv == 0)
        rv = make_extensions(c, kp->last_resort, b);
    if (rv == 0) {
        struct bytes tbs = bytes_of(b->p + start, b->n - start);
        rv = sign_with_label(c->signer, "KeyPackageTBS", &tbs, 1, &sig);
    }
    if (rv == 0) {
        write_vec(b, buf_view(&sig));
        rv = buf_check(b);
    }
    buf_free(&leaf);
    buf_free(&sig);
    return rv;
}

/* The view and the reference, once the message is there. */
static int finish(struct mls_key_package *kp)
{
    struct bytes unused;
    int rv = mls_key_package_parse(buf_view(&kp->message), &kp->view);
    if (rv != 0)
        return rv;
    kp->last_resort =
        mls_extension_find(kp->view.extensions, MLS_EXT_LAST_RESORT_KEY_PACKAGE, &unused) == 0;
    return mls_key_package_ref(kp->client->crypto, kp->view.raw, kp->ref);
}

static struct mls_key_package *package_alloc(struct mls_client *c)
{
    struct mls_key_package *kp = calloc(1, sizeof *kp);
    if (kp != NULL)
        kp->client = mls_client_ref(c);
    return kp;
}

int mls_key_package_new(struct mls_client *c, uint64_t not_before, uint64_t not_after,
                        bool last_resort, struct mls_key_package **out)
{
    if (not_after < not_before || not_after - not_before > c->policy.max_lifetime)
        return CONCLAVE_EINVAL;
    struct mls_key_package *kp = package_alloc(c);
    if (kp == NULL)
        return CONCLAVE_ENOMEM;
    kp->last_resort = last_resort;
    int rv = make_package(kp, not_before, not_after);
    if (rv == 0)
        rv = finish(kp);
    if (rv != 0) {
        mls_key_package_free(kp);
        return rv;
    }
    *out = kp;
    return 0;
}

void mls_key_package_free(struct mls_key_package *kp)
{
    if (kp == NULL)
        return;
    buf_free(&kp->message);
    secret_wipe(&kp->init_priv);
    secret_wipe(&kp->leaf_priv);
    mls_client_free(kp->client);
    free(kp);
}

struct bytes mls_key_package_message(const struct mls_key_package *kp)
{
    return buf_view(&kp->message);
}

int mls_key_package_save(const struct mls_key_package *kp, struct bytes key, struct buf *out)
{
    struct buf b = {0};
    struct crypto *sealer;
    if (kp->spent)
        return CONCLAVE_ESTATE;
    write_u16(&b, SAVE_VERSION);
    write_vec(&b, buf_view(&kp->message));
    write_vec(&b, secret_view(&kp->init_priv));
    write_vec(&b, secret_view(&kp->leaf_priv));
    int rv = buf_check(&b);
    if (rv == 0)
        rv = mls_client_sealer(kp->client, &sealer);
    if (rv == 0)
        rv = mls_seal_state(sealer, key, "key package", &b, out);
    buf_free(&b);
    return rv;
}

/* The private keys must be those of the public ones. */
static int check_keys(struct crypto *c, const struct mls_key_package *kp)
{
    uint8_t pub[CRYPTO_PUBLIC_KEY_MAX];
    size_t n = c->suite->npk;
    if (kp->view.suite != crypto_suite(c))
        return CONCLAVE_ESUITE;
    if (!bytes_equal(kp->view.leaf.signature_key, crypto_signer_public(kp->client->signer)))
        return CONCLAVE_EINVAL; /* made by another client */
    int rv = hpke_public_key(c, &kp->init_priv, pub);
    if (rv == 0 && !bytes_equal(bytes_of(pub, n), kp->view.init_key))
        rv = CONCLAVE_EKEY;
    if (rv == 0)
        rv = hpke_public_key(c, &kp->leaf_priv, pub);
    if (rv == 0 && !bytes_equal(bytes_of(pub, n), kp->view.leaf.encryption_key))
        rv = CONCLAVE_EKEY;
    return rv;
}

int mls_key_package_from_parts(struct mls_client *c, struct bytes message, struct bytes init_priv,
                               struct bytes leaf_priv, struct mls_key_package **out)
{
    struct mls_key_package *kp = package_alloc(c);
    if (kp == NULL)
        return CONCLAVE_ENOMEM;
    buf_put(&kp->message, message);
    int rv = buf_check(&kp->message);
    if (rv == 0 &&
        (!secret_set(&kp->init_priv, init_priv) || !secret_set(&kp->leaf_priv, leaf_priv)))
        rv = CONCLAVE_ESYNTAX;
    if (rv == 0)
        rv = finish(kp);
    if (rv == 0)
        rv = check_keys(c->crypto, kp);
    if (rv != 0) {
        mls_key_package_free(kp);
        return rv;
    }
    *out = kp;
    return 0;
}

int mls_key_package_restore(struct mls_client *c, struct bytes key, struct bytes saved,
                            struct mls_key_package **out)
{
    struct buf plain = {0};
    struct crypto *sealer;
    int rv = mls_client_sealer(c, &sealer);
    if (rv == 0)
        rv = mls_open_state(sealer, key, "key package", saved, &plain);
    if (rv == 0) {
        struct reader r = reader_of(buf_view(&plain));
        uint16_t version = read_u16(&r);
        struct bytes message = read_vec(&r), init_priv = read_vec(&r), leaf_priv = read_vec(&r);
        rv = reader_end(&r);
        if (rv == 0 && version != SAVE_VERSION)
            rv = CONCLAVE_EVERSION;
        if (rv == 0)
            rv = mls_key_package_from_parts(c, message, init_priv, leaf_priv, out);
    }
    buf_free(&plain);
    return rv;
}

int mls_key_package_inspect(struct mls_client *c, struct bytes message, uint64_t now,
                            struct mls_member *out, struct buf *out_ref)
{
    struct mls_key_package_view kp;
    struct buf ref_buf = {0};
    uint8_t ref[CRYPTO_HASH_MAX];
    struct mls_leaf_rules rules = {.source = LEAF_KEY_PACKAGE,
                                   .suite = crypto_suite(c->crypto),
                                   .max_lifetime = c->policy.max_lifetime,
                                   .now = now,
                                   .check_now = true};
    int rv = mls_key_package_parse(message, &kp);
    if (rv == 0)
        rv = mls_key_package_check(c->crypto, &kp, &rules);
    if (rv != 0)
        return rv;
    struct mls_identity_check check = {.event = MLS_IDENTITY_ADD,
                                       .credential = kp.leaf.credential,
                                       .signature_key = kp.leaf.signature_key,
                                       .leaf_index = MLS_NO_LEAF,
                                       .now = now};
    rv = mls_credential_validate(c->crypto, &c->callbacks, &check, false);
    if (rv == 0)
        rv = mls_key_package_ref(c->crypto, kp.raw, ref);
    if (rv == 0) {
        buf_put(&ref_buf, bytes_of(ref, c->crypto->suite->nh));
        rv = buf_check(&ref_buf);
    }
    if (rv == 0) {
        buf_move(out_ref, &ref_buf);
        *out = mls_leaf_member(&kp.leaf, MLS_NO_LEAF);
    }
    buf_free(&ref_buf);
    return rv;
}
