#include "crypto/hpke.h"

#include <string.h>

/* RFC 9180 4: labels are bound to the version and to a suite_id, which is "KEM" || kem_id inside
 * the KEM and "HPKE" || kem_id || kdf_id || aead_id outside of it. */
struct suite_id {
    uint8_t b[10];
    size_t n;
};

static struct suite_id kem_suite_id(const struct crypto *c)
{
    uint16_t kem = c->suite->kem_id;
    return (struct suite_id){{'K', 'E', 'M', (uint8_t)(kem >> 8), (uint8_t)kem}, 5};
}

static struct suite_id hpke_suite_id(const struct crypto *c)
{
    uint16_t kem = c->suite->kem_id, kdf = c->suite->kdf_id, aead = c->suite->aead_id;
    return (struct suite_id){{'H', 'P', 'K', 'E', (uint8_t)(kem >> 8), (uint8_t)kem,
                              (uint8_t)(kdf >> 8), (uint8_t)kdf, (uint8_t)(aead >> 8),
                              (uint8_t)aead},
                             10};
}

#define VERSION "HPKE-v1"
#define IKM_PARTS_MAX 4

/* LabeledExtract(salt, label, ikm) */
static int labeled_extract(struct crypto *c, const struct suite_id *id, struct bytes salt,
                           const char *label, const struct bytes *ikm, size_t n, struct secret *out)
{
    struct bytes parts[3 + IKM_PARTS_MAX] = {bytes_str(VERSION), bytes_of(id->b, id->n),
                                             bytes_str(label)};
    if (n > IKM_PARTS_MAX)
        return CONCLAVE_EINTERNAL;
    for (size_t i = 0; i < n; i++)
        parts[3 + i] = ikm[i];
    return crypto_extract(c, salt, parts, 3 + n, out);
}

/* LabeledExpand(prk, label, info, L); info in at most two parts */
static int labeled_expand(struct crypto *c, const struct suite_id *id, const struct secret *prk,
                          const char *label, struct bytes info, struct bytes info2, size_t n,
                          uint8_t *out)
{
    uint8_t length[2] = {(uint8_t)(n >> 8), (uint8_t)n};
    struct bytes parts[6] = {bytes_of(length, 2),
                             bytes_str(VERSION),
                             bytes_of(id->b, id->n),
                             bytes_str(label),
                             info,
                             info2};
    return crypto_expand(c, prk, parts, 6, n, out);
}

int hpke_ready(struct crypto *c)
{
    struct suite_id id = hpke_suite_id(c);
    struct secret h = {0};
    int rv = labeled_extract(c, &id, bytes_of(NULL, 0), "psk_id_hash", NULL, 0, &h);
    if (rv == 0)
        memcpy(c->psk_id_hash, h.p, h.n);
    secret_wipe(&h);
    return rv;
}

int hpke_info_init(struct crypto *c, const struct bytes *info, size_t n, struct hpke_info *out)
{
    struct suite_id id = hpke_suite_id(c);
    struct secret h = {0};
    int rv = labeled_extract(c, &id, bytes_of(NULL, 0), "info_hash", info, n, &h);
    if (rv == 0)
        memcpy(out->hash, h.p, h.n);
    secret_wipe(&h);
    return rv;
}

static int dh_public(struct crypto *c, const struct secret *priv, uint8_t *out)
{
    if (c->ops->secret == NULL)
        return CONCLAVE_EUNSUPPORTED;
    return c->ops->secret->dh_public(c->state, secret_view(priv), out);
}

int hpke_public_key(struct crypto *c, const struct secret *priv,
                    uint8_t pub[static CRYPTO_PUBLIC_KEY_MAX])
{
    return priv->n == c->suite->nsk ? dh_public(c, priv, pub) : CONCLAVE_EKEY;
}

/* RFC 9180 7.1.3 for X25519 and X448: the output of one expansion is the key. */
static int derive_x(struct crypto *c, const struct suite_id *id, const struct secret *prk,
                    struct secret *sk, uint8_t *pub)
{
    struct bytes none = bytes_of(NULL, 0);
    int rv = labeled_expand(c, id, prk, "sk", none, none, sk->n, sk->p);
    return rv != 0 ? rv : dh_public(c, sk, pub);
}

/* RFC 9180 7.1.3 for the NIST curves: the first candidate that is a scalar of the curve. */
static int derive_nist(struct crypto *c, const struct suite_id *id, const struct secret *prk,
                       struct secret *sk, uint8_t *pub)
{
    struct bytes none = bytes_of(NULL, 0);
    for (unsigned counter = 0; counter < 256; counter++) {
        uint8_t b = (uint8_t)counter;
        int rv = labeled_expand(c, id, prk, "candidate", bytes_of(&b, 1), none, sk->n, sk->p);
        if (rv != 0)
            return rv;
        if (c->suite->curve == CURVE_P521)
            sk->p[0] &= 0x01; /* the bitmask of P-521 */
        rv = dh_public(c, sk, pub);
        if (rv != CONCLAVE_EKEY)
            return rv;
    }
    return CONCLAVE_ECRYPTO; /* DeriveKeyPairError: probability below 2^-256 */
}

int hpke_derive_key_pair(struct crypto *c, struct bytes ikm, struct secret *priv,
                         uint8_t pub[static CRYPTO_PUBLIC_KEY_MAX])
{
    struct suite_id id = kem_suite_id(c);
    struct secret prk = {0}, sk = {.n = c->suite->nsk};
    bool x = c->suite->curve == CURVE_X25519 || c->suite->curve == CURVE_X448;
    int rv = labeled_extract(c, &id, bytes_of(NULL, 0), "dkp_prk", &ikm, 1, &prk);
    if (rv == 0)
        rv = x ? derive_x(c, &id, &prk, &sk, pub) : derive_nist(c, &id, &prk, &sk, pub);
    if (rv == 0)
        *priv = sk;
    secret_wipe(&prk);
    secret_wipe(&sk);
    return rv;
}

int hpke_generate_key_pair(struct crypto *c, struct secret *priv,
                           uint8_t pub[static CRYPTO_PUBLIC_KEY_MAX])
{
    struct secret ikm = {.n = c->suite->nsk};
    int rv = crypto_random(c, ikm.p, ikm.n);
    if (rv == 0)
        rv = hpke_derive_key_pair(c, secret_view(&ikm), priv, pub);
    secret_wipe(&ikm);
    return rv;
}

/* RFC 9180 4.1: shared_secret = ExtractAndExpand(dh, enc || pkR) */
static int kem_shared(struct crypto *c, const struct secret *priv, struct bytes peer,
                      struct bytes enc, struct bytes receiver, struct secret *out)
{
    struct suite_id id = kem_suite_id(c);
    struct secret dh = {.n = c->suite->ndh}, prk = {0}, shared = {.n = c->suite->nh};
    int rv = c->ops->secret->dh(c->state, secret_view(priv), peer, dh.p);
    struct bytes ikm = secret_view(&dh);
    if (rv == 0)
        rv = labeled_extract(c, &id, bytes_of(NULL, 0), "eae_prk", &ikm, 1, &prk);
    if (rv == 0)
        rv = labeled_expand(c, &id, &prk, "shared_secret", enc, receiver, shared.n, shared.p);
    if (rv == 0)
        *out = shared;
    secret_wipe(&dh);
    secret_wipe(&prk);
    secret_wipe(&shared);
    return rv;
}

static int encap(struct crypto *c, struct bytes pub, uint8_t *enc, struct secret *out)
{
    struct secret ephemeral = {0};
    if (c->ops->secret == NULL)
        return CONCLAVE_EUNSUPPORTED;
    if (pub.n != c->suite->npk)
        return CONCLAVE_EKEY;
    int rv = hpke_generate_key_pair(c, &ephemeral, enc);
    if (rv == 0)
        rv = kem_shared(c, &ephemeral, pub, bytes_of(enc, c->suite->npk), pub, out);
    secret_wipe(&ephemeral);
    return rv;
}

static int decap(struct crypto *c, const struct secret *priv, struct bytes enc, struct secret *out)
{
    uint8_t pub[CRYPTO_PUBLIC_KEY_MAX];
    if (enc.n != c->suite->npk)
        return CONCLAVE_EKEY;
    int rv = hpke_public_key(c, priv, pub);
    if (rv == 0)
        rv = kem_shared(c, priv, enc, enc, bytes_of(pub, c->suite->npk), out);
    return rv;
}

/* RFC 9180 5.1, mode_base: the secret from which key, base nonce and exporter secret expand. */
struct schedule {
    struct suite_id id;
    uint8_t context[1 + 2 * CRYPTO_HASH_MAX];
    size_t context_n;
    struct secret secret;
};

static int schedule_init(struct crypto *c, const struct secret *shared,
                         const struct hpke_info *info, struct schedule *s)
{
    size_t nh = c->suite->nh;
    s->id = hpke_suite_id(c);
    s->context[0] = 0; /* mode_base */
    memcpy(s->context + 1, c->psk_id_hash, nh);
    memcpy(s->context + 1 + nh, info->hash, nh);
    s->context_n = 1 + 2 * nh;
    return labeled_extract(c, &s->id, secret_view(shared), "secret", NULL, 0, &s->secret);
}

static int schedule_expand(struct crypto *c, const struct schedule *s, const char *label,
                           struct secret *out, size_t n)
{
    out->n = (uint8_t)n;
    return labeled_expand(c, &s->id, &s->secret, label, bytes_of(s->context, s->context_n),
                          bytes_of(NULL, 0), n, out->p);
}

/* The AEAD key and the nonce of sequence number 0, which is the base nonce. */
static int aead_keys(struct crypto *c, const struct secret *shared, const struct hpke_info *info,
                     struct secret *key, struct secret *nonce)
{
    struct schedule s = {0};
    int rv = schedule_init(c, shared, info, &s);
    if (rv == 0)
        rv = schedule_expand(c, &s, "key", key, c->suite->nk);
    if (rv == 0)
        rv = schedule_expand(c, &s, "base_nonce", nonce, c->suite->nn);
    secret_wipe(&s.secret);
    return rv;
}

int hpke_seal(struct crypto *c, struct bytes pub, const struct hpke_info *info, struct bytes aad,
              struct bytes plain, uint8_t enc[static CRYPTO_PUBLIC_KEY_MAX], struct buf *out)
{
    struct secret shared = {0}, key = {0}, nonce = {0};
    int rv = encap(c, pub, enc, &shared);
    if (rv == 0)
        rv = aead_keys(c, &shared, info, &key, &nonce);
    if (rv == 0)
        rv = crypto_aead_seal(c, &key, nonce.p, aad, plain, out);
    secret_wipe(&shared);
    secret_wipe(&key);
    secret_wipe(&nonce);
    return rv;
}

int hpke_open(struct crypto *c, const struct secret *priv, struct bytes enc,
              const struct hpke_info *info, struct bytes aad, struct bytes cipher, struct buf *out)
{
    struct secret shared = {0}, key = {0}, nonce = {0};
    int rv = decap(c, priv, enc, &shared);
    if (rv == CONCLAVE_EKEY)
        rv = CONCLAVE_EDECRYPT;
    if (rv == 0)
        rv = aead_keys(c, &shared, info, &key, &nonce);
    if (rv == 0)
        rv = crypto_aead_open(c, &key, nonce.p, aad, cipher, out);
    secret_wipe(&shared);
    secret_wipe(&key);
    secret_wipe(&nonce);
    return rv;
}

/* RFC 9180 5.3: Context.Export(exporter_context, L) = LabeledExpand(exporter_secret, "sec", ...) */
static int export_secret(struct crypto *c, const struct secret *shared,
                         const struct hpke_info *info, const char *exporter_context,
                         struct secret *out)
{
    struct schedule s = {0};
    struct secret exporter = {0}, made = {.n = c->suite->nh};
    int rv = schedule_init(c, shared, info, &s);
    if (rv == 0)
        rv = schedule_expand(c, &s, "exp", &exporter, c->suite->nh);
    if (rv == 0)
        rv = labeled_expand(c, &s.id, &exporter, "sec", bytes_str(exporter_context),
                            bytes_of(NULL, 0), made.n, made.p);
    if (rv == 0)
        *out = made;
    secret_wipe(&s.secret);
    secret_wipe(&exporter);
    secret_wipe(&made);
    return rv;
}

int hpke_send_export(struct crypto *c, struct bytes pub, const struct hpke_info *info,
                     const char *exporter_context, uint8_t enc[static CRYPTO_PUBLIC_KEY_MAX],
                     struct secret *out)
{
    struct secret shared = {0};
    int rv = encap(c, pub, enc, &shared);
    if (rv == 0)
        rv = export_secret(c, &shared, info, exporter_context, out);
    secret_wipe(&shared);
    return rv;
}

int hpke_receive_export(struct crypto *c, const struct secret *priv, struct bytes enc,
                        const struct hpke_info *info, const char *exporter_context,
                        struct secret *out)
{
    struct secret shared = {0};
    int rv = decap(c, priv, enc, &shared);
    if (rv == CONCLAVE_EKEY)
        rv = CONCLAVE_EDECRYPT;
    if (rv == 0)
        rv = export_secret(c, &shared, info, exporter_context, out);
    secret_wipe(&shared);
    return rv;
}
