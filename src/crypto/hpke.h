/* HPKE base mode (RFC 9180) with the suite's KEM, KDF and AEAD: single-shot seal and open, and
 * the export interface that external commits need. Each context seals one message, so a sequence
 * number never gets beyond 0 and cannot wrap (RFC 9180 5.2).
 */
#ifndef CRYPTO_HPKE_H
#define CRYPTO_HPKE_H

#include "crypto/suite.h"

/* LabeledExtract("", "info_hash", info): the part of the key schedule that recipients share. */
struct hpke_info {
    uint8_t hash[CRYPTO_HASH_MAX];
};

/* Fills what every context of the suite shares. Called once by crypto_new(). */
int hpke_ready(struct crypto *c) CONCLAVE_CHECKED;

int hpke_info_init(struct crypto *c, const struct bytes *info, size_t n,
                   struct hpke_info *out) CONCLAVE_CHECKED;

/* RFC 9180 7.1.3: a key pair from nsk or more bytes of keying material. pub: npk bytes. */
int hpke_derive_key_pair(struct crypto *c, struct bytes ikm, struct secret *priv,
                         uint8_t pub[static CRYPTO_PUBLIC_KEY_MAX]) CONCLAVE_CHECKED;
int hpke_generate_key_pair(struct crypto *c, struct secret *priv,
                           uint8_t pub[static CRYPTO_PUBLIC_KEY_MAX]) CONCLAVE_CHECKED;
int hpke_public_key(struct crypto *c, const struct secret *priv,
                    uint8_t pub[static CRYPTO_PUBLIC_KEY_MAX]) CONCLAVE_CHECKED;

/* RFC 9180 6.1. enc: npk bytes are written; out is appended to. EKEY if pub is no key. */
int hpke_seal(struct crypto *c, struct bytes pub, const struct hpke_info *info, struct bytes aad,
              struct bytes plain, uint8_t enc[static CRYPTO_PUBLIC_KEY_MAX],
              struct buf *out) CONCLAVE_CHECKED;

/* EDECRYPT if it does not open, whatever the reason. */
int hpke_open(struct crypto *c, const struct secret *priv, struct bytes enc,
              const struct hpke_info *info, struct bytes aad, struct bytes cipher,
              struct buf *out) CONCLAVE_CHECKED;

/* RFC 9180 6.2: one exported secret of nh bytes. */
int hpke_send_export(struct crypto *c, struct bytes pub, const struct hpke_info *info,
                     const char *exporter_context, uint8_t enc[static CRYPTO_PUBLIC_KEY_MAX],
                     struct secret *out) CONCLAVE_CHECKED;
int hpke_receive_export(struct crypto *c, const struct secret *priv, struct bytes enc,
                        const struct hpke_info *info, const char *exporter_context,
                        struct secret *out) CONCLAVE_CHECKED;

#endif
