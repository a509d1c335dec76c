/* Opening a Welcome step by step (RFC 9420 12.4.3.1). */
#include "mls_vectors.h"

#include "crypto/labels.h"
#include "mls/group_info.h"
#include "mls/schedule.h"
#include "mls/welcome.h"

struct opened {
    struct secret joiner, psk;
    struct mls_group_info_view info;
};

/* The GroupSecrets that are sealed to the key package. */
static void open_secrets(struct vec *v, const struct mls_welcome_view *w,
                         const struct mls_key_package_view *kp, const struct secret *init_priv,
                         struct opened *o)
{
    uint8_t ref[CRYPTO_HASH_MAX], pub[CRYPTO_PUBLIC_KEY_MAX];
    struct mls_encrypted_secrets e = {0};
    struct mls_group_secrets secrets;
    struct hpke_info info;
    struct buf *plain = vec_buf(v);
    if (!vec_rv(v, hpke_public_key(v->crypto, init_priv, pub), "init_priv") ||
        !vec_same(v, bytes_of(pub, v->crypto->suite->npk), kp->init_key,
                  "init_priv's public key") ||
        !vec_rv(v, mls_key_package_ref(v->crypto, kp->raw, ref), "KeyPackageRef") ||
        !vec_rv(v, mls_welcome_find(w, bytes_of(ref, v->crypto->suite->nh), &e), "welcome") ||
        !vec_rv(v, encrypt_info(v->crypto, "Welcome", w->encrypted_group_info, &info), "welcome") ||
        !vec_rv(v,
                hpke_open(v->crypto, init_priv, e.secrets.kem_output, &info, bytes_of(NULL, 0),
                          e.secrets.ciphertext, plain),
                "GroupSecrets"))
        return;
    struct reader r = reader_of(buf_view(plain));
    mls_group_secrets_read(&r, &secrets);
    vec_rv(v, reader_end(&r), "GroupSecrets");
    vec_true(v, secrets.psks.n == 0, "the file has no PSKs, the Welcome wants some");
    vec_true(v, secret_set(&o->joiner, secrets.joiner_secret), "joiner_secret is too long");
    vec_rv(v, mls_psk_secret(v->crypto, NULL, 0, &o->psk), "psk_secret");
}

static void open_info(struct vec *v, const struct mls_welcome_view *w, struct opened *o)
{
    struct secret key = {0}, nonce = {0};
    struct buf *plain = vec_buf(v);
    int error = 0;
    if (!vec_rv(v, mls_welcome_keys(v->crypto, &o->joiner, &o->psk, &key, &nonce), "welcome_key") ||
        !vec_rv(v,
                crypto_aead_open(v->crypto, &key, nonce.p, bytes_of(NULL, 0),
                                 w->encrypted_group_info, plain),
                "encrypted_group_info"))
        return;
    struct reader r = reader_of(buf_view(plain));
    mls_group_info_read(&r, &o->info, &error);
    if (reader_end(&r) != 0)
        vec_rv(v, error != 0 ? error : CONCLAVE_ESYNTAX, "GroupInfo");
}

static void check_confirmation(struct vec *v, const struct opened *o)
{
    struct mls_epoch_secrets secrets = {0};
    struct secret encryption = {0};
    uint8_t tag[CRYPTO_HASH_MAX];
    if (vec_rv(v,
               mls_epoch_derive(v->crypto, &o->joiner, &o->psk, o->info.context.raw, &secrets,
                                &encryption),
               "epoch secrets") &&
        vec_rv(v,
               mls_confirmation_tag(v->crypto, &secrets.confirmation,
                                    o->info.context.view.confirmed_transcript_hash, tag),
               "confirmation tag"))
        vec_same(v, bytes_of(tag, v->crypto->suite->nh), o->info.confirmation_tag,
                 "confirmation_tag");
}

void vec_welcome(struct vec *v, const json_t *e)
{
    if (!vec_suite(v, e))
        return;
    struct bytes signer_pub = vec_hex(v, e, "signer_pub");
    struct bytes key_package = vec_hex(v, e, "key_package"), welcome = vec_hex(v, e, "welcome");
    struct mls_key_package_view kp;
    struct mls_welcome_view w;
    struct opened o = {0};
    if (!vec_ok(v) || !vec_rv(v, mls_key_package_parse(key_package, &kp), "key_package") ||
        !vec_rv(v, mls_welcome_parse(welcome, &w), "welcome"))
        return;
    struct secret init_priv = vec_hpke_priv(v, e, "init_priv");
    vec_same_number(v, w.suite, crypto_suite(v->crypto), "the Welcome's cipher suite");
    if (vec_ok(v))
        open_secrets(v, &w, &kp, &init_priv, &o);
    if (vec_ok(v))
        open_info(v, &w, &o);
    if (vec_ok(v))
        vec_rv(v,
               verify_with_label(v->crypto, signer_pub, "GroupInfoTBS", &o.info.tbs, 1,
                                 o.info.signature),
               "GroupInfo's signature");
    if (vec_ok(v))
        check_confirmation(v, &o);
}
