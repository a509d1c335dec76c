/* One KID's key, for one direction: the part of SFrame that every frame goes through. */
#ifndef SFRAME_KEY_H
#define SFRAME_KEY_H

#include "base/replay.h"
#include "sframe/suite.h"

struct sframe_key {
    uint64_t kid;
    struct aead *aead; /* NULL: to be made again, or outside */
    uint64_t next_ctr; /* sealing */
    uint64_t blocks;   /* sealed so far */
    uint8_t kid_code;  /* the config byte's half for the KID */
    uint8_t kid_n;     /* bytes of the KID in the header */
    uint8_t use;       /* enum sframe_use: RFC 9605 4.4.1-2 */
    uint8_t raw_n;     /* bytes of raw */
    bool recent;       /* used since the clock hand went by */
    bool spent;        /* the last counter has been used */
    uint8_t salt[SFRAME_NONCE];
    uint8_t kid_bytes[8];
    struct replay window; /* opening */
    uint8_t raw[];        /* nk bytes of key, only if the AEAD is outside */
};

/* ENOMEM, ECRYPTO. */
int sframe_key_new(struct aead_engine *e, const struct sframe_suite_info *s,
                   const struct secret *secret, uint64_t kid, enum sframe_use use,
                   enum sframe_mode mode, struct sframe_key **out) CONCLAVE_CHECKED;
void sframe_key_free(struct sframe_key *k);

/* Makes the AEAD anew after it was dropped. ENOMEM, ECRYPTO. */
int sframe_key_rearm(struct aead_engine *e, const struct sframe_suite_info *s,
                     const struct secret *secret, struct sframe_key *k) CONCLAVE_CHECKED;

/* The counter for one more plaintext of plain_n bytes, which is then used up. EEXHAUSTED. */
int sframe_key_take(struct sframe_key *k, size_t plain_n, uint64_t *out_ctr) CONCLAVE_CHECKED;

/* What a key has sealed so far, and how it resumes there. EINVAL if that goes back. */
struct sframe_used sframe_key_used(const struct sframe_key *k);
int sframe_key_skip(struct sframe_key *k, const struct sframe_used *used) CONCLAVE_CHECKED;

/* RFC 9605 4.4.3: the salt XOR the counter. */
void sframe_key_nonce(const struct sframe_key *k, uint64_t ctr, uint8_t out[static SFRAME_NONCE]);

/* As sframe_seal(). */
int sframe_key_seal(struct sframe_key *k, struct bytes metadata, struct bytes plain, uint8_t *out,
                    size_t cap, size_t *out_n) CONCLAVE_CHECKED;

/* What can be refused by sizes alone, before any key is derived. metadata too long: EINVAL;
 * ESYNTAX, ELIMIT, EBUFFER as sframe_open(). */
int sframe_frame_check(size_t tag_n, size_t header_n, struct bytes metadata, struct bytes frame,
                       size_t cap) CONCLAVE_CHECKED;

/* As sframe_open(), with the header read already (its size and counter) and the sizes checked. */
int sframe_key_open(struct sframe_key *k, uint64_t ctr, size_t header_n, struct bytes metadata,
                    struct bytes frame, uint8_t *out, size_t *out_n) CONCLAVE_CHECKED;

#endif
