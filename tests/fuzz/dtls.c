/* Two DTLS peers with somebody between them who drops, doubles, changes and makes up datagrams. The
 * input is a script. Whatever comes of it: if both are connected, they have the same keys. */
#include <string.h>

#include "crypto/dtls.h"
#include "fuzz/fuzz.h"
#include "wire/reader.h"

#define WIRE_MAX 16
#define STEPS_MAX 200
#define NOW UINT64_C(1700000000000000)

struct play {
    struct dtls_identity *id;
    struct dtls *peer[2];
    struct buf wire[WIRE_MAX]; /* all that was sent lately */
    size_t n;
    uint64_t now_us;
};

static void collect(struct play *p, size_t from)
{
    struct bytes datagram;
    while (dtls_next(p->peer[from], &datagram)) {
        struct buf *b = &p->wire[p->n++ % WIRE_MAX];
        must(datagram.n != 0 && datagram.n <= DTLS_MTU);
        buf_clear(b);
        buf_put(b, datagram);
    }
}

static void arrive(struct play *p, size_t to, struct bytes datagram)
{
    int rv = dtls_input(p->peer[to], datagram, p->now_us);
    must(rv == 0 || rv == CONCLAVE_ESTATE || rv == CONCLAVE_ELIMIT);
    collect(p, to);
}

static void arrive_changed(struct play *p, size_t to, struct bytes datagram, uint16_t at,
                           uint8_t with)
{
    struct buf copy = {0};
    buf_put(&copy, datagram);
    if (at < copy.n)
        copy.p[at] ^= with;
    else
        copy.n = with % (copy.n + 1);
    arrive(p, to, buf_view(&copy));
    buf_free(&copy);
}

static void step(struct play *p, struct reader *r)
{
    uint8_t op = read_u8(r);
    size_t to = op & 1;
    struct bytes any = buf_view(&p->wire[(op >> 4) % WIRE_MAX]);
    switch (op >> 1 & 7) {
    case 0:
    case 1:
    case 2:
    case 3:
        arrive(p, to, any);
        break;
    case 4:
    case 5: {
        uint16_t at = read_u16(r);
        arrive_changed(p, to, any, at, read_u8(r));
        break;
    }
    case 6:
        arrive(p, to, read_bytes(r, read_u8(r)));
        break;
    default:
        p->now_us += DTLS_RETRANSMIT_US;
        dtls_tick(p->peer[to], p->now_us);
        collect(p, to);
    }
}

static void check_keys(struct play *p)
{
    struct dtls_srtp_keys a, b;
    if (dtls_state(p->peer[0]) != DTLS_CONNECTED || dtls_state(p->peer[1]) != DTLS_CONNECTED)
        return;
    must(dtls_srtp_keys(p->peer[0], &a) == 0 && dtls_srtp_keys(p->peer[1], &b) == 0);
    must(memcmp(a.seal_key, b.open_key, DTLS_SRTP_KEY) == 0);
    must(memcmp(a.open_key, b.seal_key, DTLS_SRTP_KEY) == 0);
    must(memcmp(a.seal_salt, b.open_salt, DTLS_SRTP_SALT) == 0);
    must(memcmp(a.open_salt, b.seal_salt, DTLS_SRTP_SALT) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = reader_of(bytes_of(data, size));
    struct play p = {.now_us = NOW};

    must(dtls_identity_new(NOW, &p.id) == 0);
    for (size_t i = 0; i < 2; i++)
        must(dtls_new(p.id, (enum dtls_role)i, dtls_identity_fingerprint(p.id), &p.peer[i]) == 0);
    must(dtls_start(p.peer[DTLS_CLIENT], NOW) == 0);
    collect(&p, DTLS_CLIENT);
    for (unsigned i = 0; i < STEPS_MAX && reader_left(&r) != 0; i++)
        step(&p, &r);
    check_keys(&p);
    for (size_t i = 0; i < WIRE_MAX; i++)
        buf_free(&p.wire[i]);
    for (size_t i = 0; i < 2; i++)
        dtls_free(p.peer[i]);
    dtls_identity_free(p.id);
    return 0;
}
