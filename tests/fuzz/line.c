/* A member's line hears a switch that says anything at any time, gets datagrams of anybody, and
 * loses and finds its control connection.
 *
 * The input is a script: an operation in one byte, then its arguments. Whatever it says, the line
 * comes to rest, asks for nothing that it may not, says only what a member may say, and opens no
 * more than one question at a time. */
#include <stdlib.h>
#include <string.h>

#include <conclave/crypto.h>

#include "call/line.h"
#include "fuzz/fuzz.h"
#include "wire/reader.h"

#define STEPS 200
#define EFFECTS 2000 /* of one step; there are far fewer */
#define SERVER_PORT 4443

struct play {
    struct crypto *crypto;
    struct aead_engine *engine;
    struct line *line;
    uint64_t now, epoch;
    bool up;
};

static void check_words(const struct play *p, struct bytes body)
{
    struct signal_media m;
    must(p->up);
    must(signal_media_read(body, &m) == 0 && signal_media_from_member(m.kind));
}

static void settle(struct play *p)
{
    struct line_effect e;
    unsigned n = 0;
    do {
        must(line_next(p->line, p->now, &e) == 0 && n++ < EFFECTS);
        if (e.kind == LINE_SAY)
            check_words(p, e.data);
        must(e.kind != LINE_FRAME); /* nobody has the keys */
        must(e.kind != LINE_SEND || (e.data.n != 0 && e.to.family != RTC_NO_FAMILY));
    } while (e.kind != LINE_NOTHING);
    must(line_deadline(p->line) > p->now);
}

static void hear(struct play *p, struct bytes body)
{
    int rv = line_hear(p->line, body, p->now);
    must(rv == 0 || conclave_error_class(rv) != CONCLAVE_CLASS_SYSTEM);
    settle(p);
}

static void hear_message(struct play *p, const struct signal_media *m)
{
    struct buf body = {0};
    if (signal_media_write(m, &body) == 0)
        hear(p, buf_view(&body));
    buf_free(&body);
}

/* One that might be true. */
static void answer(struct play *p, uint8_t transport, uint8_t more)
{
    static const uint8_t fingerprint[SIGNAL_FINGERPRINT] = {1}, ip[4] = {192, 0, 2, 1};
    struct buf list = {0};
    for (unsigned i = 0; i <= more % SIGNAL_CANDIDATES_MAX; i++)
        signal_put_candidate(&list, &(struct signal_candidate){bytes_of(ip, 4), SERVER_PORT});
    hear_message(p, &(struct signal_media){.kind = SIGNAL_MEDIA_ANSWER,
                                           .transport = transport % SIGNAL_TRANSPORTS_MAX,
                                           .ufrag = bytes_str("abcd"),
                                           .pwd = bytes_str("0123456789012345678901"),
                                           .fingerprint = bytes_of(fingerprint, 32),
                                           .list = buf_view(&list)});
    buf_free(&list);
}

static void flow(struct play *p, uint8_t a, uint8_t b, uint8_t c)
{
    struct buf list = {0};
    signal_put_flow(&list, &(struct signal_flow){.leaf = a,
                                                 .source = (uint8_t)(1 + b % 3),
                                                 .gone = b > 200,
                                                 .state = (uint8_t)(1 + c % 3),
                                                 .ssrc = c,
                                                 .rtx = a});
    hear_message(p, &(struct signal_media){.kind = SIGNAL_MEDIA_FLOWS, .list = buf_view(&list)});
    buf_free(&list);
}

static void input(struct play *p, struct bytes datagram, uint8_t port)
{
    static const uint8_t ip[4] = {192, 0, 2, 1};
    struct rtc_address from = rtc_address_ipv4(ip, port % 4 == 0 ? port : SERVER_PORT);
    uint8_t copy[UINT8_MAX];
    if (datagram.n != 0)
        memcpy(copy, datagram.p, datagram.n);
    must(line_input(p->line, copy, datagram.n, &from, p->now) == 0);
    settle(p);
}

static void publish(struct play *p, uint8_t source, uint8_t layers)
{
    struct line_track t = {.source = source % 5, .n_layers = layers % 5, .height = {90, 180, 360}};
    if (layers > 200) {
        line_unpublish(p->line, t.source);
    } else {
        int rv = line_publish(p->line, &t);
        must(rv == 0 || rv == CONCLAVE_EINVAL || rv == CONCLAVE_EDUPLICATE);
    }
    settle(p);
}

static void want(struct play *p, uint8_t n, uint8_t source)
{
    struct signal_want wants[UINT8_MAX] = {{0}};
    for (uint8_t i = 0; i < n; i++)
        wants[i] = (struct signal_want){i, (uint8_t)(2 + source % 2), 360};
    must(line_want(p->line, wants, n) == (n <= SIGNAL_WANTS_MAX ? 0 : CONCLAVE_ELIMIT));
    settle(p);
}

static void next_epoch(struct play *p)
{
    static const uint8_t key[32] = {5};
    struct call_epoch e = {
        .id = ++p->epoch, .base_key = bytes_of(key, 32), .group_size = 8, .own_leaf = 2};
    must(line_epoch(p->line, &e, p->now) == 0);
    settle(p);
}

static void connect(struct play *p, bool up)
{
    p->up = up;
    if (up)
        line_up(p->line);
    else
        line_down(p->line);
    settle(p);
}

static void step(struct play *p, struct reader *r)
{
    uint8_t op = read_u8(r), a = read_u8(r), b = read_u8(r), c = read_u8(r);
    switch (op % 9) {
    case 0:
        connect(p, a % 2 == 0);
        break;
    case 1:
        hear(p, read_bytes(r, a));
        break;
    case 2:
        answer(p, a, b);
        break;
    case 3:
        flow(p, a, b, c);
        break;
    case 4:
        hear_message(p, &(struct signal_media){.kind = SIGNAL_MEDIA_STATE,
                                               .transport = b % 2,
                                               .state = (uint8_t)(1 + a % 3)});
        break;
    case 5:
        input(p, read_bytes(r, a), b);
        break;
    case 6:
        p->now += (uint64_t)a * 100 * CALL_MILLISECOND;
        must(line_tick(p->line, p->now) == 0);
        settle(p);
        break;
    case 7:
        publish(p, a, b);
        break;
    default:
        if (c % 2 == 0)
            want(p, a, b);
        else
            next_epoch(p);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = reader_of(bytes_of(data, size));
    struct play p = {.now = CALL_SECOND};
    must(crypto_new(CRYPTO_P256_AES128GCM_SHA256_P256, &p.crypto) == 0);
    must(aead_engine_new(AEAD_OPENSSL, &p.engine) == 0);
    const struct line_config config = {.crypto = p.crypto, .engine = p.engine};
    must(line_new(&config, p.now, &p.line) == 0);
    for (int steps = 0; steps < STEPS && reader_left(&r) >= 4; steps++)
        step(&p, &r);
    line_free(p.line);
    aead_engine_free(p.engine);
    crypto_free(p.crypto);
    return 0;
}
