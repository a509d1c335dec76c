#include <string.h>

#include "sfu/transport.h"

static int seal_rtp(void *ctx, uint8_t *packet, size_t header_n, size_t cap, struct bytes payload,
                    size_t *out_n)
{
    (void)ctx;
    if (cap < header_n || cap - header_n < payload.n)
        return CONCLAVE_EBUFFER;
    if (payload.n != 0)
        memmove(packet + header_n, payload.p, payload.n);
    *out_n = header_n + payload.n;
    return 0;
}

static int seal_rtcp(void *ctx, uint8_t *packet, size_t n, size_t cap, size_t *out_n)
{
    (void)ctx;
    (void)packet;
    (void)cap;
    *out_n = n;
    return 0;
}

static void do_nothing(void *ctx)
{
    (void)ctx;
}

const struct sfu_transport sfu_transport_plain = {seal_rtp, seal_rtcp, do_nothing, do_nothing};
