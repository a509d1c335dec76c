/* The cipher suites (RFC 9605 4.5) and their key derivation (4.4.2). */
#ifndef SFRAME_SUITE_H
#define SFRAME_SUITE_H

#include <conclave/sframe.h>

#include "base/secret.h"
#include "crypto/aead.h"

struct sframe_suite_info {
    uint16_t id;
    enum aead_alg alg;
    enum aead_hash hash;
    uint8_t nk, nt;
};

#define SFRAME_BASE_KEY_MIN 16

/* NULL if unknown. */
const struct sframe_suite_info *sframe_suite_find(uint16_t id);

/* sframe_secret of the section: the only thing kept of a base key. */
int sframe_secret(struct aead_engine *e, const struct sframe_suite_info *s, struct bytes base_key,
                  struct secret *out) CONCLAVE_CHECKED;

/* sframe_key (nk bytes: more than a struct secret holds) and sframe_salt of a KID. Wipe the key. */
int sframe_derive(struct aead_engine *e, const struct sframe_suite_info *s,
                  const struct secret *secret, uint64_t kid, uint8_t out_key[static SFRAME_KEY_MAX],
                  uint8_t out_salt[static SFRAME_NONCE]) CONCLAVE_CHECKED;

/* RFC 9605 5.1: the base key of the next step, nh bytes. */
int sframe_ratchet(struct aead_engine *e, const struct sframe_suite_info *s,
                   const struct secret *secret, struct secret *out) CONCLAVE_CHECKED;

#endif
