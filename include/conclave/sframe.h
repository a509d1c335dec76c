/* SFrame: media frames sealed end to end (RFC 9605), with keys from MLS epochs (section 5.2).
 *
 * A struct sframe_keys holds the keys of one group as one member sees it. Feed it each epoch's
 * base key, MLS-Exporter("SFrame 1.0 Base Key", "", sframe_key_size(suite)); seal under a context
 * of your own for each track and layer; open what arrives, and show it as the member that
 * sframe_info names, whatever the transport says. Opening a frame of your own is refused.
 *
 * Nothing here does I/O: time comes in as now_us, microseconds of a clock that never goes back.
 * After the first frame of a key, sealing and opening allocate nothing, unless more than 2,048 keys
 * are in use by turns, which have to be made ready again. One thread at a time.
 */
#ifndef CONCLAVE_SFRAME_H
#define CONCLAVE_SFRAME_H

#include <conclave/bytes.h>

#ifdef __cplusplus
extern "C" {
#endif

/* RFC 9605 8.1 and the registrations that followed. */
enum sframe_suite {
    SFRAME_AES_128_CTR_HMAC_SHA256_80 = 0x0001,
    SFRAME_AES_128_CTR_HMAC_SHA256_64 = 0x0002,
    SFRAME_AES_128_CTR_HMAC_SHA256_32 = 0x0003,
    SFRAME_AES_128_GCM_SHA256_128 = 0x0004,
    SFRAME_AES_256_GCM_SHA512_128 = 0x0005, /* the default of Conclave */
    SFRAME_AES_256_CTR_HMAC_SHA512_80 = 0x0006,
    SFRAME_AES_256_CTR_HMAC_SHA512_64 = 0x0007,
    SFRAME_AES_256_CTR_HMAC_SHA512_32 = 0x0008,
};

#define SFRAME_HEADER_MAX 17
#define SFRAME_OVERHEAD_MAX 33 /* header and tag: what a frame grows by at most */
#define SFRAME_KEY_MAX 96
#define SFRAME_NONCE 12

/* Named limits; src/sframe/limits.h says why each. */
#define SFRAME_METADATA_MAX 512              /* bytes authenticated beside a frame */
#define SFRAME_PLAIN_MAX ((size_t)1 << 24)   /* bytes of one plaintext */
#define SFRAME_EPOCH_BITS_MAX 8              /* so at most 256 epochs at a time */
#define SFRAME_GROUP_MAX ((uint32_t)1 << 16) /* leaves */

/* Bytes of a base key and of a tag; 0 for an unknown suite. */
size_t sframe_key_size(uint16_t suite);
size_t sframe_tag_size(uint16_t suite);

/* The header of section 4.3, in its shortest form. Returns its size, 1 to SFRAME_HEADER_MAX. */
struct sframe_header {
    uint64_t kid, ctr;
};
size_t sframe_header_write(uint64_t kid, uint64_t ctr, uint8_t *out);

/* ESYNTAX if truncated, or if a number could have been written shorter. */
int sframe_header_read(struct bytes frame, struct sframe_header *out,
                       size_t *out_n) CONCLAVE_CHECKED;

/* -- Keys of a group (section 5.2) -------------------------------------------------------- */

struct sframe_keys;

/* Where the AEAD runs: in here, or outside (WebCrypto), in the two steps further down. */
enum sframe_mode { SFRAME_INSIDE, SFRAME_OUTSIDE };

/* epoch_bits (E of section 5.2), 1 to SFRAME_EPOCH_BITS_MAX, is the same for the whole group; it
 * must count the epochs that can be young at the same time. ESUITE, EINVAL, ENOMEM, ECRYPTO. */
int sframe_keys_new(uint16_t suite, unsigned epoch_bits, enum sframe_mode mode,
                    struct sframe_keys **out) CONCLAVE_CHECKED;
void sframe_keys_free(struct sframe_keys *k);

/* When one's own frames change to a new epoch: after joins a moment later, so that everybody can
 * have the key; after a removal at once, so that the removed cannot open another frame. */
enum sframe_switch { SFRAME_SWITCH_LATER, SFRAME_SWITCH_NOW };
#define SFRAME_SWITCH_DELAY_US 300000u
#define SFRAME_GRACE_US 2000000u        /* a followed epoch's frames still open so long, */
#define SFRAME_GRACE_REMOVAL_US 750000u /* and so long after a removal (SFRAME_SWITCH_NOW) */
#define SFRAME_HOLD_US 500000u /* so long a caller holds a frame whose key is unknown yet */

struct sframe_epoch {
    uint64_t id;
    struct bytes base_key; /* 16 bytes or more; only a secret derived from it is kept */
    uint32_t group_size;   /* leaves of the ratchet tree: fixes S of section 5.2 */
    uint32_t own_leaf;
    enum sframe_switch change;
};

/* Epochs come in rising order. Older ones are followed by this one and retire SFRAME_GRACE_US from
 * now, or SFRAME_GRACE_REMOVAL_US; one with the same low bits goes at once. EINVAL, ENOMEM,
 * ECRYPTO. */
int sframe_keys_add_epoch(struct sframe_keys *k, const struct sframe_epoch *epoch,
                          uint64_t now_us) CONCLAVE_CHECKED;

/* A member was removed: frames under its leaf no longer open in any epoch there is with an id below
 * `before`, the id of the epoch without it. That one may be added before or after this call. Under
 * other leaves the removed can still seal as long as these epochs open. */
void sframe_keys_bar_leaf(struct sframe_keys *k, uint32_t leaf, uint64_t before);

/* Wipes the keys of epochs whose time is over; seal and open do it too. The deadline is when there
 * will be something to do, or UINT64_MAX. */
void sframe_keys_tick(struct sframe_keys *k, uint64_t now_us);
uint64_t sframe_keys_deadline(const struct sframe_keys *k);

/* The epoch one's own frames are sealed in now. ESTATE without any. */
int sframe_keys_sending(struct sframe_keys *k, uint64_t now_us, uint64_t *out_id) CONCLAVE_CHECKED;

/* What a key has sealed. Section 9.1: whoever resumes an epoch after a restart begins above every
 * counter used before; so store this now and then, with so much added as may be sealed until the
 * next time, and never resume with less. */
struct sframe_used {
    uint64_t ctr;    /* the next counter */
    uint64_t blocks; /* AES blocks, at most one for each 16 bytes begun and two a frame */
    bool spent;      /* the last counter has been used too */
};

/* Of a context in the epoch sealed in now; all 0 if it has not been used. ESTATE, EINVAL. */
int sframe_keys_used(struct sframe_keys *k, uint64_t context, uint64_t now_us,
                     struct sframe_used *out) CONCLAVE_CHECKED;

/* Resumes there. EINVAL if that goes back; errors of sframe_seal(). */
int sframe_keys_skip(struct sframe_keys *k, uint64_t context, const struct sframe_used *used,
                     uint64_t now_us) CONCLAVE_CHECKED;

/* -- Sealing and opening ------------------------------------------------------------------ */

/* Writes header, ciphertext and tag: at most plain.n + SFRAME_OVERHEAD_MAX bytes. plain may lie
 * anywhere, also within out; without a move if it begins where the header ends.
 * context: one for each track and layer, small ones make short headers; two devices that share a
 * leaf must not share a context. EBUFFER, EINVAL (a size or context out of range), ESTATE (no
 * epoch), EEXHAUSTED (this key has sealed all it may: change the epoch), ELIMIT (more than
 * 64 contexts), ENOMEM, ECRYPTO. */
int sframe_seal(struct sframe_keys *k, uint64_t context, struct bytes metadata, struct bytes plain,
                uint64_t now_us, uint8_t *out, size_t cap, size_t *out_n) CONCLAVE_CHECKED;

/* Whose frame it is: authenticated once the frame has opened. */
struct sframe_info {
    uint64_t kid, ctr, epoch, context;
    uint32_t leaf;
};

/* out may lie anywhere, also within the frame, whose ciphertext is then overwritten (zeroed by a
 * failure). out_info may be NULL. ESYNTAX, EUNKNOWNKEY (hold the frame, its epoch may come),
 * ESENDER (no such leaf, a barred one, or one's own), EREPLAY, EDECRYPT, ELIMIT (too large; too
 * many contexts under that leaf, or keys in that epoch), EBUFFER, EINVAL, ENOMEM, ECRYPTO.
 * Sizes are looked at first, so EBUFFER says nothing of who sent the frame: drop it. A frame of an
 * epoch to come whose low bits are those of one still here fails as that one's: EDECRYPT or
 * ESENDER. Enough epoch_bits make that rare. */
int sframe_open(struct sframe_keys *k, struct bytes metadata, struct bytes frame, uint64_t now_us,
                uint8_t *out, size_t cap, size_t *out_n,
                struct sframe_info *out_info) CONCLAVE_CHECKED;

/* -- The same in two steps, for an AEAD elsewhere (SFRAME_OUTSIDE) ------------------------- */

/* AAD is header || metadata; the ciphertext follows the header in the frame. The key bytes are the
 * same for the same kid and epoch. Secret: sframe_step_wipe() when done. */
struct sframe_step {
    struct sframe_info info;
    uint8_t header[SFRAME_HEADER_MAX], header_n;
    uint8_t nonce[SFRAME_NONCE];
    uint8_t tag_n, key_n;
    uint8_t key[SFRAME_KEY_MAX];
};

/* Uses up a counter: do with it one encryption, or none. Errors as sframe_seal(). */
int sframe_seal_prepare(struct sframe_keys *k, uint64_t context, size_t plain_n, uint64_t now_us,
                        struct sframe_step *out) CONCLAVE_CHECKED;

/* Errors as sframe_open() but EDECRYPT. Changes nothing. */
int sframe_open_prepare(struct sframe_keys *k, struct bytes frame, uint64_t now_us,
                        struct sframe_step *out) CONCLAVE_CHECKED;

/* After the AEAD: only if this returns 0 may the plaintext be used. opened: the tag was right.
 * EDECRYPT if not; EREPLAY, EUNKNOWNKEY and so on if things changed meanwhile. */
int sframe_open_finish(struct sframe_keys *k, const struct sframe_step *step, bool opened,
                       uint64_t now_us) CONCLAVE_CHECKED;

void sframe_step_wipe(struct sframe_step *step);

/* -- Codecs whose packetiser reads the frame (docs/MEDIA.md) ------------------------------- */

enum sframe_codec { SFRAME_CODEC_OTHER, SFRAME_CODEC_OPUS, SFRAME_CODEC_VP8 };

/* How many bytes stay in clear in front of the SFrame ciphertext, authenticated as metadata: VP8
 * 10 of a key frame and 3 of another, else none. ESYNTAX if the frame has not that many. */
int sframe_clear_size(enum sframe_codec codec, struct bytes frame, size_t *out_n) CONCLAVE_CHECKED;

/* sframe_seal() and sframe_open() with these bytes in front; out overlaps nothing. */
int sframe_seal_media(struct sframe_keys *k, uint64_t context, enum sframe_codec codec,
                      struct bytes frame, uint64_t now_us, uint8_t *out, size_t cap,
                      size_t *out_n) CONCLAVE_CHECKED;
int sframe_open_media(struct sframe_keys *k, enum sframe_codec codec, struct bytes sealed,
                      uint64_t now_us, uint8_t *out, size_t cap, size_t *out_n,
                      struct sframe_info *out_info) CONCLAVE_CHECKED;

/* -- Sender keys (section 5.1), without MLS ------------------------------------------------ */

/* The keys of one sender, who ratchets; each side says which it is. */
struct sframe_chain;
enum sframe_use { SFRAME_SEALING, SFRAME_OPENING };

/* ratchet_bits (R), 1 to 8. A receiver follows up to 2^(R-1) steps at once, at most 8; who is
 * further behind needs a new base key (until then EUNKNOWNKEY). Late frames of up to 3 former steps
 * open, with R = 2 of one, with R = 1 of none. The base key is that of the given generation and
 * step. ESUITE, EINVAL, ENOMEM, ECRYPTO. */
int sframe_chain_new(uint16_t suite, enum sframe_use use, unsigned ratchet_bits,
                     uint64_t generation, uint64_t step, struct bytes base_key,
                     struct sframe_chain **out) CONCLAVE_CHECKED;
void sframe_chain_free(struct sframe_chain *c);

/* A new base key, with a higher generation, at step 0. The former key opens until now_us +
 * SFRAME_GRACE_US. EINVAL, ENOMEM, ECRYPTO. */
int sframe_chain_rekey(struct sframe_chain *c, uint64_t generation, struct bytes base_key,
                       uint64_t now_us) CONCLAVE_CHECKED;

/* The sender's step forward; the former key is wiped. ESTATE for a receiver, who follows by
 * itself. EEXHAUSTED after 2^32 steps; ENOMEM, ECRYPTO. */
int sframe_chain_ratchet(struct sframe_chain *c) CONCLAVE_CHECKED;

/* As sframe_keys_used() and sframe_keys_skip(), for the present generation and step, which the
 * caller stores as well. ESTATE for a receiver; EINVAL. */
int sframe_chain_used(const struct sframe_chain *c, struct sframe_used *out) CONCLAVE_CHECKED;
int sframe_chain_skip(struct sframe_chain *c, const struct sframe_used *used) CONCLAVE_CHECKED;

/* As sframe_seal() and sframe_open(); ESTATE for the wrong side. */
int sframe_chain_seal(struct sframe_chain *c, struct bytes metadata, struct bytes plain,
                      uint8_t *out, size_t cap, size_t *out_n) CONCLAVE_CHECKED;
int sframe_chain_open(struct sframe_chain *c, struct bytes metadata, struct bytes frame,
                      uint64_t now_us, uint8_t *out, size_t cap, size_t *out_n,
                      struct sframe_header *out_header) CONCLAVE_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
