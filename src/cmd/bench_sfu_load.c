#include "cmd/bench_sfu_load.h"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "cmd/bench_sfu_client.h"
#include "crypto/aead.h"
#include "rtc/vp8.h"

#define SECOND UINT64_C(1000000)
#define MILLISECOND UINT64_C(1000)
/* Taken from a socket in one call. */
#define BATCH 32u
/* Handshakes at a time: less than a second of work, so that none has to be repeated. */
#define JOINING 64u
#define JOIN_US (5 * SECOND)
#define FLOW_US (30 * SECOND)
/* A pause in which nothing came: all is through. */
#define QUIET_US (20 * MILLISECOND)
#define DRAIN_US SECOND
/* Between two looks if nothing was there. Who waits for a packet has to be woken, which on loopback
 * the switch would pay for, and who looks all the time takes its memory away. */
#define REST_US 200u
/* A sender that is late by more does not catch up: less is sent than was asked for. */
#define LATE_US (5 * MILLISECOND)
/* Latencies are counted by the microsecond; what takes longer counts as that. */
#define LATENCY_MAX 200000u
/* What the system gives at a time: one datagram, or a burst of them (UDP_GRO). */
#define MESSAGE 65536u
/* With when it came, and how large the datagrams of a burst are. */
#define CONTROL (CMSG_SPACE(sizeof(struct timespec)) + CMSG_SPACE(sizeof(int)))
/* When a packet was sent: its last bytes. */
#define STAMP sizeof(uint64_t)

struct load {
    struct load_config config;
    struct client_shared shared;
    struct client *clients; /* the sender first */
    size_t n_clients;
    int plain_fd;
    size_t size; /* of a packet on the wire */
    /* the picture */
    uint16_t sequence, transport_number, picture_id;
    uint32_t timestamp;
    uint64_t sent;
    struct buf packet, extensions;
    uint8_t frame[LOAD_BURST_MAX * CLIENT_DATAGRAM];
    /* in */
    bool stamps;
    struct mmsghdr messages[BATCH];
    struct iovec spans[BATCH];
    uint8_t messages_in[BATCH][MESSAGE];
    struct {
        _Alignas(struct cmsghdr) uint8_t p[CONTROL];
    } controls[BATCH];
    uint32_t *latencies;
    uint64_t n_latencies;
};

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec t = {0};
    (void)clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint64_t now_us(void)
{
    return clock_ns(CLOCK_MONOTONIC) / 1000;
}

/* ---- Life ---- */

static int set_option(const struct client *c, int level, int option, int value)
{
    return setsockopt(c->fd, level, option, &value, sizeof value) == 0 ? 0 : CONCLAVE_ESTATE;
}

int load_new(const struct load_config *config, struct load **out)
{
    struct load *l = calloc(1, sizeof *l);
    if (l == NULL)
        return CONCLAVE_ENOMEM;
    l->config = *config;
    l->shared.server = config->server;
    l->plain_fd = -1;
    l->size = config->bytes + (config->plain ? 0 : SRTP_OVERHEAD);
    l->clients = calloc(config->receivers + 1, sizeof *l->clients);
    l->latencies = calloc(LATENCY_MAX + 1, sizeof *l->latencies);
    int rv = l->clients == NULL || l->latencies == NULL ? CONCLAVE_ENOMEM : 0;
    if (rv == 0)
        rv = dtls_identity_new((uint64_t)time(NULL) * SECOND, &l->shared.identity);
    if (rv == 0)
        rv = aead_engine_new(AEAD_BEST, &l->shared.engine);
    for (; rv == 0 && l->n_clients <= config->receivers; l->n_clients++)
        rv = client_init(&l->clients[l->n_clients], (uint32_t)l->n_clients);
    for (size_t i = 1; rv == 0 && config->whole && i < l->n_clients; i++)
        rv = set_option(&l->clients[i], IPPROTO_UDP, UDP_GRO, 1);
    if (rv == 0 && config->plain) {
        l->plain_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        rv = l->plain_fd < 0 ? CONCLAVE_ESTATE : 0;
    }
    if (rv != 0) {
        load_free(l);
        return rv;
    }
    *out = l;
    return 0;
}

void load_free(struct load *l)
{
    if (l == NULL)
        return;
    for (size_t i = 0; i < l->n_clients; i++)
        client_fini(&l->clients[i]);
    if (l->plain_fd >= 0)
        (void)close(l->plain_fd);
    aead_engine_free(l->shared.engine);
    dtls_identity_free(l->shared.identity);
    buf_free(&l->shared.out);
    buf_free(&l->packet);
    buf_free(&l->extensions);
    free(l->clients);
    free(l->latencies);
    free(l);
}

/* ---- The picture ---- */

/* What of a frame stays in clear (docs/MEDIA.md), and the head of SFrame's ciphertext: key id 1,
 * which is leaf 0 in epoch 1, and counter 0. */
static size_t put_frame_head(uint8_t *at, bool key)
{
    static const uint8_t key_head[] = {0x10, 2, 0, 0x9d, 1, 0x2a, 0, 5, 0xd0, 2, 0x10};
    static const uint8_t delta_head[] = {0x11, 2, 0, 0x10};
    size_t n = key ? sizeof key_head : sizeof delta_head;
    memcpy(at, key ? key_head : delta_head, n);
    return n;
}

static int write_packet(struct load *l, bool first, bool last, bool key)
{
    const struct rtp_exts exts = {.has_transport_cc = true, .transport_cc = l->transport_number++};
    const struct vp8_descriptor vp8 = {.start = first,
                                       .has_picture_id = true,
                                       .long_picture_id = true,
                                       .picture_id = l->picture_id & 0x7fff};
    uint8_t payload[LOAD_BYTES_MAX] = {0};
    struct buf *b = &l->packet;
    struct rtp_header h = {.marker = last,
                           .payload_type = CLIENT_PT_VIDEO,
                           .sequence = l->sequence++,
                           .timestamp = l->timestamp,
                           .ssrc = CLIENT_SSRC,
                           .extended = true};
    buf_clear(&l->extensions);
    buf_clear(b);
    int rv = rtp_exts_write(&exts, NULL, &l->extensions, &h.extension_profile);
    h.extension = buf_view(&l->extensions);
    if (rv == 0)
        rv = rtp_header_write(&h, b);
    if (rv == 0)
        rv = vp8_descriptor_write(&vp8, b);
    if (rv != 0)
        return rv;
    if (first)
        (void)put_frame_head(payload, key);
    uint64_t stamp = clock_ns(CLOCK_REALTIME);
    size_t n = l->config.bytes - b->n;
    memcpy(payload + n - STAMP, &stamp, STAMP);
    buf_put(b, bytes_of(payload, n));
    return buf_check(b);
}

/* A frame, packet behind packet as they go out. */
static int write_frame(struct load *l)
{
    struct client *sender = &l->clients[0];
    bool key = sender->key_wanted;
    sender->key_wanted = false;
    l->picture_id++;
    for (unsigned i = 0; i < l->config.burst; i++) {
        uint8_t *at = l->frame + i * l->size;
        size_t n = 0;
        int rv = write_packet(l, i == 0, i + 1 == l->config.burst, key);
        if (rv != 0)
            return rv;
        memcpy(at, l->packet.p, l->packet.n);
        if (!l->config.plain)
            rv = peer_seal_rtp(sender->peer, at, l->config.bytes, l->size, &n);
        if (rv != 0)
            return rv;
    }
    return 0;
}

static void send_frame(struct load *l)
{
    const struct rtc_address *to = &l->clients[0].server;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(to->port)};
    struct {
        _Alignas(struct cmsghdr) uint8_t p[CMSG_SPACE(sizeof(uint16_t))];
    } control = {0};
    struct msghdr m = {.msg_name = &at, .msg_namelen = sizeof at, .msg_iovlen = 1};
    unsigned pieces = l->config.offload ? 1 : l->config.burst;
    int fd = l->config.plain ? l->plain_fd : l->clients[0].fd;
    memcpy(&at.sin_addr, to->ip, 4);
    if (l->config.offload && l->config.burst > 1) {
        uint16_t segment = (uint16_t)l->size;
        m.msg_control = control.p;
        m.msg_controllen = sizeof control.p;
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        *c = (struct cmsghdr){
            .cmsg_level = IPPROTO_UDP, .cmsg_type = UDP_SEGMENT, .cmsg_len = CMSG_LEN(2)};
        memcpy(CMSG_DATA(c), &segment, sizeof segment);
    }
    struct iovec spans[LOAD_BURST_MAX];
    struct mmsghdr messages[LOAD_BURST_MAX];
    for (unsigned i = 0; i < pieces; i++) {
        size_t n = l->size * l->config.burst / pieces;
        spans[i] = (struct iovec){l->frame + i * n, n};
        messages[i] = (struct mmsghdr){.msg_hdr = m};
        messages[i].msg_hdr.msg_iov = &spans[i];
    }
    (void)sendmmsg(fd, messages, pieces, 0);
}

/* ---- What comes ---- */

static void prepare(struct load *l)
{
    for (size_t i = 0; i < BATCH; i++) {
        l->spans[i] = (struct iovec){l->messages_in[i], MESSAGE};
        l->messages[i].msg_hdr = (struct msghdr){.msg_iov = &l->spans[i],
                                                 .msg_iovlen = 1,
                                                 .msg_control = l->controls[i].p,
                                                 .msg_controllen = sizeof l->controls[i].p};
    }
}

/* What the system says of a message. */
struct told {
    size_t segment;   /* bytes of its datagrams */
    uint64_t came_ns; /* 0: not said */
};

static struct told read_control(struct msghdr *m, size_t n)
{
    struct told told = {.segment = n};
    struct timespec came;
    int size;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
            memcpy(&came, CMSG_DATA(c), sizeof came);
            told.came_ns = (uint64_t)came.tv_sec * 1000000000 + (uint64_t)came.tv_nsec;
        } else if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
            memcpy(&size, CMSG_DATA(c), sizeof size);
            told.segment = size > 0 ? (size_t)size : n;
        }
    }
    return told;
}

static void note_latency(struct load *l, uint64_t came_ns, struct bytes rtp)
{
    uint64_t sent_ns;
    if (rtp.n < STAMP)
        return;
    memcpy(&sent_ns, rtp.p + rtp.n - STAMP, STAMP);
    uint64_t us = came_ns > sent_ns ? (came_ns - sent_ns) / 1000 : 0;
    l->latencies[us < LATENCY_MAX ? us : LATENCY_MAX]++;
    l->n_latencies++;
}

static int take_message(struct load *l, struct client *c, size_t i, uint64_t now)
{
    size_t left = l->messages[i].msg_len;
    struct told told = read_control(&l->messages[i].msg_hdr, left);
    uint8_t *at = l->messages_in[i];
    int rv = 0;
    for (size_t n; rv == 0 && left != 0; at += n, left -= n) {
        struct bytes rtp = {0};
        n = left < told.segment ? left : told.segment;
        rv = client_input(c, &l->shared, at, n, now, &rtp);
        c->received += rtp.n != 0;
        if (rtp.n != 0 && l->stamps && told.came_ns != 0)
            note_latency(l, told.came_ns, rtp);
    }
    return rv;
}

/* What waits in a client's socket, at most a batch; negative: an error. */
static int receive(struct load *l, struct client *c, uint64_t now)
{
    int n = recvmmsg(c->fd, l->messages, BATCH, MSG_DONTWAIT, NULL);
    for (int i = 0; i < n; i++) {
        int rv = take_message(l, c, (size_t)i, now);
        if (rv != 0)
            return rv;
        l->messages[i].msg_hdr.msg_controllen = sizeof l->controls[i].p;
    }
    return n > 0 ? n : 0;
}

/* ---- Taking turns ---- */

struct schedule {
    uint64_t next_us; /* UINT64_MAX: nothing is sent */
    uint64_t step_ns, since_ns;
};

static struct schedule schedule_of(const struct load *l, unsigned rate)
{
    return (struct schedule){now_us(), l->config.burst * UINT64_C(1000000000) / rate, 0};
}

/* Sends what is due. */
static int follow(struct load *l, struct schedule *s, uint64_t now)
{
    while (now >= s->next_us) {
        int rv = write_frame(l);
        if (rv != 0)
            return rv;
        send_frame(l);
        l->sent += l->config.burst;
        l->timestamp += (uint32_t)(s->step_ns * VP8_CLOCK / 1000000000);
        s->since_ns += s->step_ns;
        s->next_us += s->since_ns / 1000;
        s->since_ns %= 1000;
        if (now > s->next_us + LATE_US)
            s->next_us = now;
    }
    return 0;
}

static int hear_switch(struct load *l, uint64_t now)
{
    struct bench_word word;
    int rv = 0;
    while (rv == 0 && bench_switch_hear(l->config.server, &word))
        if (word.conn < l->n_clients)
            rv = client_hear(&l->clients[word.conn], &l->shared, bytes_of(word.body, word.n), now);
    return rv;
}

/* A moment's sleep, that ends by the clock. */
static void rest(const struct schedule *s)
{
    uint64_t now = now_us(), end = now + REST_US < s->next_us ? now + REST_US : s->next_us;
    struct timespec t = {0, end > now ? (long)(end - now) * 1000 : 0};
    (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
}

/* One look at everybody. */
static int turn(struct load *l, struct schedule *s, size_t *out_came)
{
    size_t came = 0;
    int rv = hear_switch(l, now_us());
    for (size_t i = 0; rv == 0 && i < l->n_clients; i++) {
        uint64_t now = now_us();
        rv = follow(l, s, now);
        int n = rv == 0 ? receive(l, &l->clients[i], now) : 0;
        rv = n < 0 ? n : rv;
        if (rv == 0)
            rv = client_tick(&l->clients[i], &l->shared, now);
        came += n > 0 ? (size_t)n : 0;
    }
    if (came == 0)
        rest(s);
    *out_came = came;
    return rv;
}

/* ---- Coming in ---- */

static size_t count(const struct load *l, enum client_state state)
{
    size_t n = 0;
    for (size_t i = 0; i < l->n_clients; i++)
        n += l->clients[i].state == state;
    return n;
}

int load_join(struct load *l)
{
    struct schedule never = {.next_us = UINT64_MAX};
    uint64_t end_us = now_us() + JOIN_US + l->n_clients * 10 * MILLISECOND;
    size_t asked = 0, in = 0, came;
    int rv = 0;
    prepare(l);
    while (rv == 0 && in < l->n_clients) {
        if (now_us() > end_us)
            return CONCLAVE_ESTATE;
        for (; rv == 0 && asked < l->n_clients && asked - in < JOINING; asked++)
            rv = client_ask(&l->clients[asked], &l->shared);
        if (rv == 0)
            rv = turn(l, &never, &came);
        in = count(l, CLIENT_IN);
    }
    return rv;
}

static uint64_t received(const struct load *l)
{
    uint64_t n = 0;
    for (size_t i = 1; i < l->n_clients; i++)
        n += l->clients[i].received;
    return n;
}

/* Until nothing comes any more; tells when the last came. */
static int drain(struct load *l, uint64_t *out_last_us)
{
    struct schedule never = {.next_us = UINT64_MAX};
    uint64_t end_us = now_us() + DRAIN_US, last_us = now_us(), before = received(l);
    size_t came;
    int rv = 0;
    while (rv == 0 && now_us() < end_us && now_us() - last_us < QUIET_US) {
        rv = turn(l, &never, &came);
        if (received(l) != before)
            last_us = now_us();
        before = received(l);
    }
    *out_last_us = last_us;
    return rv;
}

/* Whether each receiver has had a good part of what was sent since. */
static bool all_flow(const struct load *l, const uint64_t *before, uint64_t sent)
{
    for (size_t i = 1; i < l->n_clients; i++)
        if (l->clients[i].received - before[i] < sent - sent / 10)
            return false;
    return true;
}

int load_flow(struct load *l, unsigned rate)
{
    uint64_t *before = calloc(l->n_clients, sizeof *before);
    uint64_t end_us = now_us() + FLOW_US;
    int rv = before == NULL ? CONCLAVE_ENOMEM : 0;
    bool flows = false;
    while (rv == 0 && !flows) {
        struct load_result result = {0};
        if (now_us() > end_us)
            rv = CONCLAVE_ESTATE;
        for (size_t i = 0; i < l->n_clients; i++)
            before[i] = l->clients[i].received;
        if (rv == 0)
            rv = load_run(l, rate, 0.2, false, &result);
        flows = rv == 0 && all_flow(l, before, result.sent);
    }
    free(before);
    return rv;
}

/* ---- Runs ---- */

static double percentile(const struct load *l, double part)
{
    uint64_t rank = (uint64_t)((double)l->n_latencies * part), seen = 0;
    for (size_t i = 0; i <= LATENCY_MAX; i++) {
        seen += l->latencies[i];
        if (seen > rank)
            return (double)i;
    }
    return 0;
}

static void set_stamps(struct load *l, bool stamps)
{
    l->stamps = stamps;
    l->n_latencies = 0;
    memset(l->latencies, 0, (LATENCY_MAX + 1) * sizeof *l->latencies);
    for (size_t i = 1; i < l->n_clients; i++)
        (void)set_option(&l->clients[i], SOL_SOCKET, SO_TIMESTAMPNS, stamps); /* not there: 0 */
    prepare(l);
}

int load_run(struct load *l, unsigned rate, double seconds, bool stamps, struct load_result *out)
{
    set_stamps(l, stamps);
    struct schedule s = schedule_of(l, rate);
    uint64_t sent = l->sent, came_before = received(l), begin_us = now_us(), end_us = begin_us;
    uint64_t last_us = 0;
    size_t came;
    int rv = 0;
    while (rv == 0 && (double)(end_us - begin_us) < seconds * (double)SECOND) {
        rv = turn(l, &s, &came);
        end_us = now_us();
    }
    if (rv == 0)
        rv = drain(l, &last_us);
    if (rv != 0)
        return rv;
    sent = l->sent - sent;
    double expected = (double)sent * (double)(l->n_clients - 1);
    *out = (struct load_result){.sent = sent,
                                .received = received(l) - came_before,
                                .seconds = (double)(end_us - begin_us) / (double)SECOND,
                                .behind = (double)(last_us - end_us) / (double)SECOND,
                                .p50_us = percentile(l, 0.5),
                                .p99_us = percentile(l, 0.99)};
    out->loss = expected > 0 ? 1 - (double)out->received / expected : 1;
    return 0;
}

/* ---- For others ---- */

struct rtc_address load_address(const struct load *l, unsigned receiver)
{
    static const uint8_t here[4] = {127, 0, 0, 1};
    return rtc_address_ipv4(here, l->clients[receiver + 1].port);
}

uint64_t load_drain(struct load *l, int fd)
{
    struct pollfd end = {.fd = fd, .events = POLLIN};
    uint64_t n = 0;
    set_stamps(l, false);
    while (poll(&end, 1, 0) == 0)
        for (size_t i = 1; i < l->n_clients; i++) {
            int came = recvmmsg(l->clients[i].fd, l->messages, BATCH, MSG_DONTWAIT, NULL);
            n += came > 0 ? (uint64_t)came : 0;
        }
    return n;
}
