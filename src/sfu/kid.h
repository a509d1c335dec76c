/* SFrame key ids as a forwarder sees them (RFC 9605 4.3, 5.2): context | leaf | epoch bits, in
 * clear at the head of each frame. Nothing here can open one.
 *
 * How many bits the leaf has depends on the size of the group in that epoch, so the epochs are
 * remembered by their low bits.
 */
#ifndef SFU_KID_H
#define SFU_KID_H

#include <conclave/bytes.h>

#define SFU_EPOCH_BITS_MAX 8

/* The key id at the head of an SFrame ciphertext. ESYNTAX. */
int sfu_kid_read(struct bytes frame, uint64_t *out) CONCLAVE_CHECKED;

struct sfu_epochs {
    unsigned bits; /* E; 0: key ids are not looked at */
    bool told;     /* an epoch is known: then ids of unknown ones are refused */
    uint8_t leaf_bits[1 << SFU_EPOCH_BITS_MAX]; /* S plus one, by low bits; 0: unknown */
};

/* leaves >= 1 */
void sfu_epochs_add(struct sfu_epochs *e, uint64_t epoch, uint32_t leaves);

/* The low bits of the epoch. */
static inline unsigned sfu_epochs_of(const struct sfu_epochs *e, uint64_t kid)
{
    return (unsigned)kid & ((1u << e->bits) - 1);
}

/* Whether a frame with this key id may come from this leaf. A member could seal under another's id,
 * since all hold the epoch's secret (RFC 9605 7.2): an honest switch does not let it through. */
bool sfu_epochs_allow(const struct sfu_epochs *e, uint64_t kid, uint32_t leaf);

#endif
