/* What the switch needs of a peer's transport. rtc/peer.h is behind it, or (in tests and
 * benchmarks) nothing at all.
 */
#ifndef SFU_TRANSPORT_H
#define SFU_TRANSPORT_H

#include <conclave/bytes.h>

struct sfu_transport {
    /* Seals an RTP packet whose header stands in place, with a payload from elsewhere (or from
     * behind the header, without a copy). Any error: the packet is not sent. */
    int (*seal_rtp)(void *ctx, uint8_t *packet, size_t header_n, size_t cap, struct bytes payload,
                    size_t *out_n);
    int (*seal_rtcp)(void *ctx, uint8_t *packet, size_t n, size_t cap, size_t *out_n);
    void (*free)(void *ctx);
    /* A packet is about to be sealed: the processor may fetch what that takes. */
    void (*announce)(void *ctx);
};

/* Plain packets. ctx: NULL. */
extern const struct sfu_transport sfu_transport_plain;

#endif
