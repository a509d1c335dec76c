/* Packets that somebody on the way made up, or made of true ones: what opens was sealed before, and
 * opens once. The first byte chooses RTP or RTCP; the rest is a script of sealings, true packets,
 * changed packets and made-up ones. */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "rtc/srtp_session.h"
#include "wire/reader.h"

#define PACKETS 64
#define PACKET_MAX 128

struct packet {
    uint8_t p[PACKET_MAX], plain[PACKET_MAX];
    size_t n, plain_n;
    bool opened;
};

struct play {
    bool rtcp;
    struct srtp *sealing, *opening;
    struct packet packets[PACKETS];
    size_t n;
};

/* Byte 20 of the text names the packet. */
static void seal(struct play *p, uint16_t seq, uint8_t ssrc)
{
    struct packet *k = &p->packets[p->n];
    if (p->n == PACKETS)
        return;
    *k = (struct packet){.plain_n = 40};
    k->plain[0] = 0x80;
    k->plain[1] = p->rtcp ? 200 : 96;
    k->plain[2] = (uint8_t)(seq >> 8);
    k->plain[3] = (uint8_t)seq;
    k->plain[p->rtcp ? 7 : 11] = ssrc % 4;
    k->plain[20] = (uint8_t)p->n;
    memcpy(k->p, k->plain, k->plain_n);
    int rv = (p->rtcp ? srtcp_seal : srtp_seal)(p->sealing, k->p, k->plain_n, sizeof k->p, &k->n);
    must(rv == 0 || (rv == CONCLAVE_EREPLAY && !p->rtcp));
    p->n += rv == 0;
}

static void open_bytes(struct play *p, const uint8_t *packet, size_t n)
{
    uint8_t copy[PACKET_MAX];
    size_t got = 0;
    memcpy(copy, packet, n);
    if ((p->rtcp ? srtcp_open : srtp_open)(p->opening, copy, n, &got) != 0)
        return;
    must(got == 40 && copy[20] < p->n);
    struct packet *k = &p->packets[copy[20]];
    must(!k->opened && bytes_equal(bytes_of(copy, got), bytes_of(k->plain, k->plain_n)));
    k->opened = true;
}

static void step(struct play *p, struct reader *r)
{
    uint8_t op = read_u8(r), what = read_u8(r), at = read_u8(r), with = read_u8(r);
    switch (op % 4) {
    case 0:
        seal(p, (uint16_t)(what << 8 | at), with);
        break;
    case 1:
        if (what < p->n)
            open_bytes(p, p->packets[what].p, p->packets[what].n);
        break;
    case 2:
        if (what < p->n) {
            struct packet k = p->packets[what];
            if (at < k.n)
                k.p[at] ^= with;
            open_bytes(p, k.p, with == 0 && at < k.n ? at : k.n);
        }
        break;
    default: {
        uint8_t made_up[PACKET_MAX];
        struct bytes b = read_bytes(r, what % PACKET_MAX);
        if (b.n != 0)
            memcpy(made_up, b.p, b.n);
        open_bytes(p, made_up, b.n);
    }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t master[32 + SRTP_SALT] = {1};
    struct bytes key = bytes_of(master, 32), salt = bytes_of(master + 32, SRTP_SALT);
    struct reader r = reader_of(bytes_of(data, size));
    struct aead_engine *e = NULL;
    struct play *p = calloc(1, sizeof *p);
    if (p == NULL)
        return 0;
    p->rtcp = read_u8(&r) % 2 == 1;
    must(aead_engine_new(AEAD_OPENSSL, &e) == 0);
    must(srtp_new(e, SRTP_AEAD_AES_256_GCM, SRTP_SEALING, key, salt, &p->sealing) == 0);
    must(srtp_new(e, SRTP_AEAD_AES_256_GCM, SRTP_OPENING, key, salt, &p->opening) == 0);
    for (int steps = 0; steps < 500 && reader_left(&r) >= 4; steps++)
        step(p, &r);
    srtp_free(p->sealing);
    srtp_free(p->opening);
    aead_engine_free(e);
    free(p);
    return 0;
}
