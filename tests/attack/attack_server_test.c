/* Strangers at the server: guessed numbers at the hall, and sockets that take their time. */
#include "attack.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "crypto/sha256.h"
#include "net/server.h"
#include "service/hall.h"

/* ---- Guessing ---- */

struct guess {
    struct meeting_world w;
    struct store *store;
    struct hall *hall;
    uint64_t now, conn;
    struct buf said; /* last to anybody */
    bool closed;
};

static void sent(void *ctx, uint64_t conn, struct room_frame *frame)
{
    struct guess *g = ctx;
    (void)conn;
    buf_clear(&g->said);
    room_frame_put(frame, &g->said);
}

static void closed(void *ctx, uint64_t conn, int reason)
{
    struct guess *g = ctx;
    (void)conn;
    (void)reason;
    g->closed = true;
}

static void add_meeting(struct guess *g, const uint8_t access[static 32])
{
    struct store_meeting m = {.created_at = MEETING_NOW};
    struct card *card = NULL;
    assert_int_equal(card_read(buf_view(&g->w.card), &card), 0);
    memcpy(m.number, MEETING_LINK_NUMBER, sizeof m.number);
    memcpy(m.meeting_id, card_terms(card)->meeting_id, sizeof m.meeting_id);
    assert_int_equal(crypto_sha256(bytes_of(access, 32), m.access_hash), 0);
    buf_put(&m.card, buf_view(&g->w.card));
    snprintf(m.owner, sizeof m.owner, "%s", g->w.organiser->name);
    assert_int_equal(store_meeting_add(g->store, &m), 0);
    store_meeting_fini(&m);
    card_free(card);
}

static void guess_begin(struct guess *g, uint8_t access[static 32])
{
    *g = (struct guess){.now = MEETING_NOW * STAGE_SECOND};
    meeting_world_init(&g->w);
    assert_int_equal(link_derive(bytes_of(g->w.link.secret, LINK_SECRET),
                                 bytes_of(g->w.link.card_hash, CARD_HASH), LINK_ACCESS, access),
                     0);
    assert_int_equal(store_open(":memory:", &g->store), 0);
    add_meeting(g, access);
    const struct hall_config config = {.store = g->store,
                                       .crypto = g->w.public_crypto,
                                       .signer = g->w.server,
                                       .out = {.ctx = g, .send = sent, .close = closed}};
    assert_int_equal(hall_new(&config, &g->hall), 0);
}

static void guess_end(struct guess *g)
{
    hall_free(g->hall);
    store_close(g->store);
    meeting_world_fini(&g->w);
    buf_free(&g->said);
}

/* Says Hello; returns the Fault's reason, or REASON_NONE if there was a Challenge. */
static int say_hello(struct guess *g, const char *address, const char *number,
                     const uint8_t access[static 32])
{
    const struct signal_message hello = {.type = SIGNAL_HELLO,
                                         .version = SIGNAL_VERSION,
                                         .number = bytes_str(number),
                                         .access = bytes_of(access, 32)};
    struct signal_message answer;
    struct buf frame = {0};
    assert_int_equal(signal_write(&hello, &frame), 0);
    g->closed = false;
    assert_int_equal(hall_connect(g->hall, ++g->conn, address, g->now), 0);
    assert_int_equal(hall_frame(g->hall, g->conn, buf_view(&frame), g->now), 0);
    assert_int_equal(signal_read(buf_view(&g->said), &answer), 0);
    buf_free(&frame);
    if (answer.type == SIGNAL_CHALLENGE)
        return REASON_NONE;
    assert_int_equal(answer.type, SIGNAL_FAULT);
    assert_true(g->closed);
    return answer.reason;
}

static void guessing_finds_no_meeting(void **state)
{
    struct guess g;
    struct hall_totals totals;
    uint8_t access[32], wrong[32] = {1};
    char number[11], address[64];
    size_t answered = 0;
    (void)state;
    guess_begin(&g, access);
    /* a thousand numbers in a minute, the right one among them, from one network */
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(number, sizeof number, "%010u", 123456289u + i);
        snprintf(address, sizeof address, "2001:db8:1:2::%x", i + 1);
        int reason = say_hello(&g, address, i == 10 ? MEETING_LINK_NUMBER : number, wrong);
        assert_true(reason == REASON_NO_SUCH_MEETING || reason == REASON_TOO_MANY);
        answered += reason == REASON_NO_SUCH_MEETING;
        g.now += STAGE_SECOND * 60 / 1000;
    }
    assert_in_range(answered, 30, 62);
    hall_totals(g.hall, &totals);
    assert_int_equal(totals.rooms, 0);
    /* whoever has the link, elsewhere, has not noticed */
    assert_int_equal(say_hello(&g, "192.0.2.1", MEETING_LINK_NUMBER, access), REASON_NONE);
    guess_end(&g);
}

static void a_right_number_with_a_wrong_secret_is_a_wrong_number(void **state)
{
    struct guess g;
    uint8_t access[32], wrong[32] = {1};
    struct buf first = {0};
    (void)state;
    guess_begin(&g, access);
    assert_int_equal(say_hello(&g, "192.0.2.1", "9999999999", wrong), REASON_NO_SUCH_MEETING);
    buf_put(&first, buf_view(&g.said));
    assert_int_equal(say_hello(&g, "192.0.2.1", MEETING_LINK_NUMBER, wrong),
                     REASON_NO_SUCH_MEETING);
    assert_true(bytes_equal(buf_view(&first), buf_view(&g.said)));
    assert_int_equal(say_hello(&g, "192.0.2.1", MEETING_LINK_NUMBER, access), REASON_NONE);
    buf_free(&first);
    guess_end(&g);
}

/* ---- Slow sockets ---- */

#define SLOW_EACH 8 /* of each kind */
#define TICK_US (STAGE_SECOND / 10)
#define TICKS 30
#define GREEDY_FRAME ((size_t)1 << 20)
#define GREEDY_FRAMES 64

struct siege {
    struct net_loop *loop;
    struct net_server *server;
    struct net_timer *timer;
    uint16_t port;
    int silent[SLOW_EACH], dripping[SLOW_EACH], mute[SLOW_EACH], greedy, honest;
    unsigned ticks;
    size_t said, heard; /* by the honest one: frames, and bytes */
    uint8_t *giant;
};

static void nothing_to_release(void *owner)
{
    (void)owner;
}

/* What comes is sent back; who asks for a flood gets one. */
static void echo(void *ctx, uint64_t conn, struct bytes data)
{
    struct siege *s = ctx;
    static const uint8_t ping[] = "ping";
    struct net_frame frame = {.data = bytes_of(ping, 4), .release = nothing_to_release};
    bool greedy = bytes_equal(data, bytes_str("more"));
    if (greedy)
        frame.data = bytes_of(s->giant, GREEDY_FRAME);
    for (int i = 0; i < (greedy ? GREEDY_FRAMES : 1); i++)
        net_server_send(s->server, conn, &frame);
}

static void is_open(void *ctx, uint64_t conn, const char *address)
{
    (void)ctx;
    (void)conn;
    (void)address;
}

static void is_gone(void *ctx, uint64_t conn)
{
    (void)ctx;
    (void)conn;
}

static void asked(void *ctx, uint64_t conn, const struct net_request *request)
{
    struct siege *s = ctx;
    struct net_response response = {.status = 404};
    (void)request;
    net_server_respond(s->server, conn, &response);
}

static int dial(const struct siege *s)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(s->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

static void say(int fd, const void *data, size_t n)
{
    (void)!send(fd, data, n, MSG_NOSIGNAL); /* whether it arrives is the server's affair */
}

static const char upgrade[] = "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                              "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                              "Sec-WebSocket-Protocol: " SIGNAL_SUBPROTOCOL "\r\n\r\n";

/* A masked binary frame of four bytes. */
static void say_frame(int fd, const char *word)
{
    uint8_t frame[] = {0x82, 0x84, 0, 0, 0, 0, 0, 0, 0, 0};
    memcpy(frame + 6, word, 4);
    say(fd, frame, sizeof frame);
}

static void tick(void *ctx)
{
    struct siege *s = ctx;
    uint8_t space[4096];
    ssize_t n;
    for (int i = 0; i < SLOW_EACH; i++)
        say(s->dripping[i], &upgrade[s->ticks], 1);
    if (s->ticks == 1)
        say_frame(s->greedy, "more"); /* and reads nothing */
    say_frame(s->honest, "ping");
    s->said++;
    while ((n = recv(s->honest, space, sizeof space, 0)) > 0)
        s->heard += (size_t)n;
    if (++s->ticks == TICKS)
        net_loop_stop(s->loop);
    else
        net_timer_set(s->timer, net_loop_now(s->loop) + TICK_US);
}

static void siege_begin(struct siege *s)
{
    const struct net_handler handler = {
        .ctx = s, .opened = is_open, .frame = echo, .closed = is_gone, .request = asked};
    struct net_server_config config = {.path = "/ws",
                                       .protocol = SIGNAL_SUBPROTOCOL,
                                       .handler = &handler,
                                       .limits = {.handshake_seconds = 1, .queue = 4 << 20}};
    char why[NET_WHY];
    *s = (struct siege){.giant = calloc(1, GREEDY_FRAME)};
    assert_non_null(s->giant);
    assert_int_equal(net_loop_new(&s->loop), 0);
    config.loop = s->loop;
    assert_int_equal(net_server_new(&config, why, &s->server), 0);
    assert_int_equal(net_server_listen(s->server, "127.0.0.1", 0, false, why, &s->port), 0);
    assert_int_equal(net_timer_new(s->loop, tick, s, &s->timer), 0);
    for (int i = 0; i < SLOW_EACH; i++) {
        s->silent[i] = dial(s);
        s->dripping[i] = dial(s);
        s->mute[i] = dial(s);
        say(s->mute[i], upgrade, sizeof upgrade - 1); /* a WebSocket without a Hello */
    }
    s->greedy = dial(s);
    s->honest = dial(s);
    say(s->greedy, upgrade, sizeof upgrade - 1);
    say(s->honest, upgrade, sizeof upgrade - 1);
}

static void siege_end(struct siege *s)
{
    for (int i = 0; i < SLOW_EACH; i++) {
        close(s->silent[i]);
        close(s->dripping[i]);
        close(s->mute[i]);
    }
    close(s->greedy);
    close(s->honest);
    net_timer_free(s->timer);
    net_server_free(s->server);
    net_loop_free(s->loop);
    free(s->giant);
}

static void slow_and_greedy_sockets_are_ended_and_hold_up_nobody(void **state)
{
    struct siege s;
    struct net_server_totals totals;
    (void)state;
    siege_begin(&s);
    net_timer_set(s.timer, net_loop_now(s.loop) + TICK_US);
    net_loop_run(s.loop);
    net_server_totals(s.server, &totals);
    assert_int_equal(totals.accepted, 3 * SLOW_EACH + 2);
    assert_int_equal(totals.ended_slow, 3 * SLOW_EACH);
    assert_int_equal(totals.ended_queue, 1);
    assert_int_equal(totals.connections, 1);
    /* the honest one was answered all the while: six bytes a frame, the last still on its way */
    assert_int_equal(s.said, TICKS);
    assert_true(s.heard >= 6 * (s.said - 1));
    siege_end(&s);
}

static const struct attack attacks[] = {
    ATTACK(49, guessing_finds_no_meeting, "Guessing meeting numbers", "stranger", REFUSED,
           "Thirty wrong ones a minute from one address or network, and no answer tells more."),
    ATTACK(49, a_right_number_with_a_wrong_secret_is_a_wrong_number,
           "A right number without the link's secret", "stranger", REFUSED,
           "It gets the same answer as a wrong number, byte for byte."),
    ATTACK(63, slow_and_greedy_sockets_are_ended_and_hold_up_nobody, "Slow and greedy sockets",
           "stranger", REFUSED, "Each step has its seconds, and each connection its bytes."),
};

int main(int argc, char **argv)
{
    return attack_main(argc, argv, attacks, sizeof attacks / sizeof attacks[0]);
}
