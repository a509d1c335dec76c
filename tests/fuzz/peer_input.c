/* Two media peers with somebody between them who drops, doubles, changes and makes up datagrams,
 * sends from where it likes. The input is a script. Whatever comes of it: an address that has not
 * shown that it receives gets no more than its share, and media that is opened was sealed. */
#include <string.h>

#include "fuzz/fuzz.h"
#include "rtc/peer.h"
#include "wire/reader.h"

#define WIRE_MAX 16
#define STEPS_MAX 300
#define NOW UINT64_C(1700000000000000)
#define PACKET 40

struct sent {
    struct buf data;
    struct rtc_address from;
};

struct play {
    struct dtls_identity *id;
    struct aead_engine *engine;
    struct peer *peer[2];
    struct rtc_address server, client, stranger;
    struct sent wire[WIRE_MAX]; /* all that was sent lately */
    size_t n;
    uint64_t now_us;
    size_t from_stranger, to_stranger;
    uint16_t sequence;
};

static void make_peer(struct play *p, enum peer_role role)
{
    static const char *const ufrag[] = {"serv", "clie"};
    static const char *const pwd[] = {"the+servers+password+1234", "the+clients+password+5678"};
    struct peer_config c = {
        .role = role,
        .dtls_role = role == PEER_SERVER ? DTLS_SERVER : DTLS_CLIENT,
        .identity = p->id,
        .engine = p->engine,
        .local = {bytes_str(ufrag[role]), bytes_str(pwd[role])},
        .remote = {bytes_str(ufrag[1 - role]), bytes_str(pwd[1 - role])},
        .candidates = &p->server,
        .n_candidates = 1,
        .nomination = ICE_AGGRESSIVE,
        .seed = {(uint8_t)role},
    };
    memcpy(c.fingerprint, dtls_identity_fingerprint(p->id), DTLS_FINGERPRINT);
    must(peer_new(&c, NOW, &p->peer[role]) == 0);
}

/* What goes to the stranger is gone: nobody there passes it on. */
static void put(struct play *p, enum peer_role role, const struct rtc_address *to,
                struct bytes data)
{
    if (rtc_address_equal(to, &p->stranger)) {
        p->to_stranger += data.n + ICE_DATAGRAM_OVERHEAD;
        return;
    }
    struct sent *s = &p->wire[p->n++ % WIRE_MAX];
    s->from = role == PEER_SERVER ? p->server : p->client;
    buf_clear(&s->data);
    buf_put(&s->data, data);
}

static void check_media(const struct peer_effect *e)
{
    must(e->packet_n == PACKET);
    for (size_t i = 12; i < PACKET; i++)
        must(e->packet[i] == (uint8_t)(e->packet[3] + i));
}

static void pull(struct play *p, enum peer_role role)
{
    struct peer_effect e = {.kind = PEER_SEND};
    for (unsigned n = 0; e.kind != PEER_NOTHING; n++) {
        must(n < 100 && peer_next(p->peer[role], p->now_us, &e) == 0);
        if (e.kind == PEER_SEND)
            put(p, role, &e.to, e.data);
        if (e.kind == PEER_RTP)
            check_media(&e);
    }
    must(p->to_stranger <= ICE_AMPLIFICATION * p->from_stranger);
}

static void arrive(struct play *p, enum peer_role to, const struct rtc_address *from, uint8_t *data,
                   size_t n)
{
    if (to == PEER_SERVER && rtc_address_equal(from, &p->stranger))
        p->from_stranger += n + ICE_DATAGRAM_OVERHEAD;
    int rv = peer_input(p->peer[to], data, n, from, p->now_us);
    must(conclave_error_class(rv) != CONCLAVE_CLASS_SYSTEM);
    pull(p, to);
}

/* What was sent before arrives, as it was or changed. */
static void arrive_again(struct play *p, struct reader *r, uint8_t op, bool changed, bool moved)
{
    const struct sent *s = &p->wire[op >> 4];
    enum peer_role to = rtc_address_equal(&s->from, &p->server) ? PEER_CLIENT : PEER_SERVER;
    uint8_t copy[DTLS_MTU];
    size_t n = s->data.n;
    if (n == 0)
        return;
    memcpy(copy, s->data.p, n);
    if (changed) {
        size_t at = read_u16(r);
        uint8_t with = read_u8(r);
        if (at < n)
            copy[at] ^= with;
        else
            n = with % (n + 1);
    }
    arrive(p, to, moved ? &p->stranger : &s->from, copy, n);
}

static void talk(struct play *p, enum peer_role role)
{
    uint8_t packet[PACKET + SRTP_OVERHEAD] = {0x80, 96};
    const struct rtc_address *to = peer_remote(p->peer[role], p->now_us);
    size_t n = 0;
    if (to == NULL)
        return;
    p->sequence++;
    packet[2] = (uint8_t)(p->sequence >> 8);
    packet[3] = (uint8_t)p->sequence;
    for (size_t i = 12; i < PACKET; i++)
        packet[i] = (uint8_t)(packet[3] + i);
    must(peer_seal_rtp(p->peer[role], packet, PACKET, sizeof packet, &n) == 0);
    put(p, role, to, bytes_of(packet, n));
}

static void make_up(struct play *p, struct reader *r, enum peer_role to)
{
    uint8_t made_up[256];
    struct bytes b = read_bytes(r, read_u8(r));
    if (b.n != 0)
        memcpy(made_up, b.p, b.n);
    arrive(p, to, to == PEER_SERVER ? &p->client : &p->server, made_up, b.n);
}

static void step(struct play *p, struct reader *r)
{
    uint8_t op = read_u8(r);
    enum peer_role role = (op & 8) != 0 ? PEER_CLIENT : PEER_SERVER;
    switch (op & 7) {
    case 0:
    case 1:
        arrive_again(p, r, op, false, false);
        break;
    case 2:
        arrive_again(p, r, op, true, false);
        break;
    case 3:
        arrive_again(p, r, op, (op & 8) != 0, true);
        break;
    case 4:
        make_up(p, r, role);
        break;
    case 5:
        talk(p, role);
        break;
    default:
        p->now_us += (uint64_t)read_u8(r) * 100000;
        must(peer_tick(p->peer[role], p->now_us) == 0);
        pull(p, role);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = reader_of(bytes_of(data, size));
    struct play p = {.now_us = NOW,
                     .server = rtc_address_ipv4((const uint8_t[]){192, 0, 2, 1}, 1),
                     .client = rtc_address_ipv4((const uint8_t[]){192, 0, 2, 2}, 2),
                     .stranger = rtc_address_ipv4((const uint8_t[]){192, 0, 2, 3}, 3)};

    must(aead_engine_new(AEAD_OPENSSL, &p.engine) == 0);
    must(dtls_identity_new(NOW, &p.id) == 0);
    make_peer(&p, PEER_SERVER);
    make_peer(&p, PEER_CLIENT);
    pull(&p, PEER_CLIENT);
    for (unsigned i = 0; i < STEPS_MAX && reader_left(&r) != 0; i++)
        step(&p, &r);
    for (size_t i = 0; i < WIRE_MAX; i++)
        buf_free(&p.wire[i].data);
    for (size_t i = 0; i < 2; i++)
        peer_free(p.peer[i]);
    dtls_identity_free(p.id);
    aead_engine_free(p.engine);
    return 0;
}
