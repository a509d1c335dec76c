#include "sframe/suite.h"

#include <string.h>

#include "base/wipe.h"

/* RFC 9605 4.5, table 1; the AES-256-CTR suites were registered later */
static const struct sframe_suite_info suites[] = {
    {SFRAME_AES_128_CTR_HMAC_SHA256_80, AEAD_ALG_CTR128_SHA256, AEAD_SHA256, 48, 10},
    {SFRAME_AES_128_CTR_HMAC_SHA256_64, AEAD_ALG_CTR128_SHA256, AEAD_SHA256, 48, 8},
    {SFRAME_AES_128_CTR_HMAC_SHA256_32, AEAD_ALG_CTR128_SHA256, AEAD_SHA256, 48, 4},
    {SFRAME_AES_128_GCM_SHA256_128, AEAD_ALG_GCM128, AEAD_SHA256, 16, 16},
    {SFRAME_AES_256_GCM_SHA512_128, AEAD_ALG_GCM256, AEAD_SHA512, 32, 16},
    {SFRAME_AES_256_CTR_HMAC_SHA512_80, AEAD_ALG_CTR256_SHA512, AEAD_SHA512, 96, 10},
    {SFRAME_AES_256_CTR_HMAC_SHA512_64, AEAD_ALG_CTR256_SHA512, AEAD_SHA512, 96, 8},
    {SFRAME_AES_256_CTR_HMAC_SHA512_32, AEAD_ALG_CTR256_SHA512, AEAD_SHA512, 96, 4},
};

const struct sframe_suite_info *sframe_suite_find(uint16_t id)
{
    for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++)
        if (suites[i].id == id)
            return &suites[i];
    return NULL;
}

size_t sframe_key_size(uint16_t suite)
{
    const struct sframe_suite_info *s = sframe_suite_find(suite);
    return s == NULL ? 0 : s->nk;
}

size_t sframe_tag_size(uint16_t suite)
{
    const struct sframe_suite_info *s = sframe_suite_find(suite);
    return s == NULL ? 0 : s->nt;
}

int sframe_secret(struct aead_engine *e, const struct sframe_suite_info *s, struct bytes base_key,
                  struct secret *out)
{
    secret_zero(out, aead_hash_size(s->hash));
    int rv = aead_extract(e, s->hash, base_key, out->p);
    if (rv != 0)
        secret_wipe(out);
    return rv;
}

/* label || KID as 8 bytes || cipher suite as 2 bytes (RFC 9605 4.4.2) */
static int expand(struct aead_engine *e, const struct sframe_suite_info *s,
                  const struct secret *secret, const char *label, uint64_t kid, uint8_t *out,
                  size_t n)
{
    uint8_t info[64];
    size_t label_n = strlen(label), at = label_n;
    memcpy(info, label, label_n);
    for (int shift = 56; shift >= 0; shift -= 8)
        info[at++] = (uint8_t)(kid >> shift);
    info[at++] = (uint8_t)(s->id >> 8);
    info[at++] = (uint8_t)s->id;
    return aead_expand(e, s->hash, secret_view(secret), bytes_of(info, at), out, n);
}

int sframe_derive(struct aead_engine *e, const struct sframe_suite_info *s,
                  const struct secret *secret, uint64_t kid, uint8_t out_key[static SFRAME_KEY_MAX],
                  uint8_t out_salt[static SFRAME_NONCE])
{
    int rv = expand(e, s, secret, "SFrame 1.0 Secret key ", kid, out_key, s->nk);
    if (rv == 0)
        rv = expand(e, s, secret, "SFrame 1.0 Secret salt ", kid, out_salt, SFRAME_NONCE);
    if (rv != 0)
        wipe(out_key, s->nk);
    return rv;
}

int sframe_ratchet(struct aead_engine *e, const struct sframe_suite_info *s,
                   const struct secret *secret, struct secret *out)
{
    size_t nh = aead_hash_size(s->hash);
    secret_zero(out, nh);
    return aead_expand(e, s->hash, secret_view(secret), bytes_str("SFrame 1.0 Ratchet"), out->p,
                       nh);
}
