#include "cmd/conclaved_media_worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <conclave/crypto.h>

#include "cmd/udp_address.h"
#include "crypto/aead.h"
#include "net/clock.h"

/* Groups of one call: a few system calls' worth. */
#define GROUPS 64u
/* Batches in before timers and commands have their turn. */
#define BATCHES 16u
/* Numbers that a message changed are made known so soon, and not anew for each of many: all
 * transports are counted each time. */
#define SOON_US UINT64_C(10000)

/* What others may know. */
struct numbers {
    struct media_worker_stats stats;
    size_t n_meetings;
    struct sfu_meeting_stats *meetings; /* SFU_MEETINGS, of which only what is used is touched */
};

struct media_worker {
    struct net_channel *commands, *reports;
    struct net_udp *udp;
    struct crypto *crypto;
    struct aead_engine *engine;
    struct sfu *sfu;
    struct media_desk *desk;
    struct net_clock clock;
    uint64_t now_us, unreported;
    uint64_t publish_us, soon_us; /* when numbers are due: always, and after a message */
    bool changed;                 /* there was one since */
    bool stop;
    bool running;               /* there is a thread to wait for */
    struct media_command *last; /* ready, so that ending needs no memory */
    pthread_t thread;
    struct numbers *fresh, *published; /* two, exchanged under the lock: nobody waits for a copy */
    pthread_mutex_t lock;              /* of what is published */
};

int media_command_new(enum media_command_kind kind, struct bytes body, struct media_command **out)
{
    struct media_command *c = calloc(1, sizeof *c + body.n);
    if (c == NULL)
        return CONCLAVE_ENOMEM;
    c->kind = kind;
    c->n = body.n;
    if (body.n != 0)
        memcpy(c->body, body.p, body.n);
    *out = c;
    return 0;
}

/* ---- Datagrams ---- */

static void send_all(struct media_worker *w)
{
    struct sfu_group from[GROUPS];
    struct net_udp_group to[GROUPS];
    size_t n;
    while ((n = sfu_output(w->sfu, from, GROUPS)) != 0) {
        for (size_t i = 0; i < n; i++)
            to[i] = (struct net_udp_group){.to = udp_address_to_net(&from[i].to),
                                           .p = from[i].p,
                                           .n = from[i].count != 0 ? from[i].n : 0,
                                           .segment = from[i].segment};
        net_udp_send(w->udp, to, n);
        sfu_sent(w->sfu, n);
    }
}

static void take_datagram(void *ctx, uint8_t *p, size_t n, const struct net_udp_address *from)
{
    struct media_worker *w = ctx;
    struct rtc_address address = udp_address_of_net(from);
    if (sfu_input(w->sfu, p, n, &address, w->now_us))
        send_all(w);
}

/* ---- Messages ---- */

static void report(void *ctx, const uint64_t *conns, size_t n, struct bytes body)
{
    struct media_worker *w = ctx;
    struct media_report *r = malloc(sizeof *r + n * sizeof conns[0] + body.n);
    if (r == NULL) {
        w->unreported += n;
        return;
    }
    uint8_t *space = (uint8_t *)(r->conns + n);
    memcpy(r->conns, conns, n * sizeof conns[0]);
    memcpy(space, body.p, body.n);
    r->n_conns = n;
    r->body = bytes_of(space, body.n);
    if (!net_channel_put(w->reports, &r->message, false)) {
        w->unreported += n;
        free(r);
    }
}

static void obey(struct media_worker *w, const struct media_command *c)
{
    switch (c->kind) {
    case MEDIA_OPEN:
        /* What it says there is refused: its members are told. */
        (void)!media_desk_open(w->desk, c->meeting);
        break;
    case MEDIA_EPOCH:
        media_desk_epoch(w->desk, c->meeting, c->epoch, c->leaves);
        break;
    case MEDIA_HEAR:
        media_desk_hear(w->desk, c->meeting, c->conn, c->leaf, bytes_of(c->body, c->n), w->now_us);
        break;
    case MEDIA_GONE:
        media_desk_gone(w->desk, c->conn);
        break;
    case MEDIA_CLOSE:
        media_desk_close(w->desk, c->meeting);
        break;
    case MEDIA_STOP:
    default:
        w->stop = true;
        break;
    }
}

static void obey_all(struct media_worker *w)
{
    struct net_message *m = net_channel_take(w->commands);
    while (m != NULL) {
        struct media_command *c = (struct media_command *)m; /* the message is its first member */
        m = m->next;
        obey(w, c);
        free(c);
    }
}

/* ---- The thread ---- */

static void publish(struct media_worker *w)
{
    struct numbers *made = w->fresh;
    made->stats = (struct media_worker_stats){.unreported = w->unreported};
    sfu_stats(w->sfu, &made->stats.sfu);
    net_udp_counters(w->udp, &made->stats.udp);
    media_desk_counters(w->desk, &made->stats.desk);
    made->n_meetings = sfu_meetings_stats(w->sfu, made->meetings, SFU_MEETINGS);
    (void)pthread_mutex_lock(&w->lock); /* cannot fail: neither recursive nor robust */
    w->fresh = w->published;
    w->published = made;
    (void)pthread_mutex_unlock(&w->lock);
    w->publish_us = w->now_us + MEDIA_PUBLISH_US;
    w->soon_us = w->now_us + SOON_US;
    w->changed = false;
}

/* Numbers change by themselves only where there are meetings. No other thread exchanges them. */
static uint64_t wait_us(const struct media_worker *w)
{
    uint64_t at = sfu_deadline(w->sfu);
    if (w->published->stats.sfu.meetings != 0 && w->publish_us < at)
        at = w->publish_us;
    if (w->changed && w->soon_us < at)
        at = w->soon_us;
    if (at == UINT64_MAX)
        return at;
    return at > w->now_us ? at - w->now_us : 0;
}

/* What came, as long as there is more, but not so long that timers would suffer. */
static void receive(struct media_worker *w)
{
    const struct net_udp_sink sink = {w, take_datagram};
    for (unsigned i = 0; i < BATCHES; i++) {
        if (net_udp_receive(w->udp, &sink) == 0)
            break;
        send_all(w);
        w->now_us = net_clock_now(&w->clock);
    }
}

static void *run(void *ctx)
{
    struct media_worker *w = ctx;
    while (!w->stop) {
        w->now_us = net_clock_now(&w->clock);
        bool told = net_udp_wait(w->udp, net_channel_fd(w->commands), wait_us(w));
        w->now_us = net_clock_now(&w->clock);
        if (told)
            obey_all(w);
        receive(w);
        if (sfu_deadline(w->sfu) <= w->now_us)
            sfu_tick(w->sfu, w->now_us);
        send_all(w);
        media_desk_tell(w->desk);
        w->changed = w->changed || told;
        if (w->publish_us <= w->now_us || (w->changed && w->soon_us <= w->now_us))
            publish(w);
    }
    return NULL;
}

/* ---- Life ---- */

static int make_candidates(const struct media_worker_config *config, uint16_t port, struct buf *out)
{
    for (size_t i = 0; i < config->n_addresses; i++)
        signal_put_candidate(out,
                             &(struct signal_candidate){
                                 bytes_of(config->addresses[i].ip, config->addresses[i].n), port});
    return buf_check(out);
}

static struct numbers *numbers_new(void)
{
    struct numbers *n = calloc(1, sizeof *n);
    if (n != NULL && (n->meetings = calloc(SFU_MEETINGS, sizeof n->meetings[0])) == NULL) {
        free(n);
        return NULL;
    }
    return n;
}

static void numbers_free(struct numbers *n)
{
    if (n != NULL)
        free(n->meetings);
    free(n);
}

static int make_parts(struct media_worker *w, const struct media_worker_config *config)
{
    struct buf candidates = {0};
    w->fresh = numbers_new();
    w->published = numbers_new();
    int rv = w->fresh == NULL || w->published == NULL ? CONCLAVE_ENOMEM
                                                      : net_channel_new(MEDIA_QUEUE, &w->commands);
    if (rv == 0)
        rv = media_command_new(MEDIA_STOP, bytes_of(NULL, 0), &w->last);
    if (rv == 0)
        rv = net_udp_open(&config->udp, &w->udp);
    if (rv == 0)
        rv = make_candidates(config, net_udp_port(w->udp), &candidates);
    if (rv == 0)
        rv = crypto_new_public(CRYPTO_P256_AES128GCM_SHA256_P256, &w->crypto);
    if (rv == 0)
        rv = aead_engine_new(AEAD_BEST, &w->engine);
    const struct sfu_config sfu = {.crypto = w->crypto,
                                   .engine = w->engine,
                                   .identity = config->identity,
                                   .plain_ingest = config->plain_ingest};
    if (rv == 0)
        rv = sfu_new(&sfu, &w->sfu);
    if (rv == 0) {
        const struct media_desk_config desk = {.sfu = w->sfu,
                                               .crypto = w->crypto,
                                               .candidates = buf_view(&candidates),
                                               .ctx = w,
                                               .say = report};
        rv = media_desk_new(&desk, &w->desk);
    }
    buf_free(&candidates);
    return rv;
}

/* Signals are the control thread's. */
static int start(struct media_worker *w)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    w->running = pthread_create(&w->thread, NULL, run, w) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return w->running ? 0 : CONCLAVE_EINTERNAL;
}

static bool is_valid(const struct media_worker_config *config)
{
    return config->n_addresses != 0 && config->n_addresses <= MEDIA_ADDRESSES &&
           (config->udp.loopback || !config->plain_ingest);
}

int media_worker_new(const struct media_worker_config *config, struct media_worker **out)
{
    struct media_worker *w = calloc(1, sizeof *w);
    if (w == NULL)
        return CONCLAVE_ENOMEM;
    w->reports = config->reports;
    if (pthread_mutex_init(&w->lock, NULL) != 0) {
        free(w);
        return CONCLAVE_EINTERNAL;
    }
    int rv = is_valid(config) ? make_parts(w, config) : CONCLAVE_EINVAL;
    if (rv == 0)
        rv = start(w);
    if (rv != 0) {
        int kept = errno;
        media_worker_free(w);
        errno = kept;
        return rv;
    }
    *out = w;
    return 0;
}

void media_worker_free(struct media_worker *w)
{
    if (w == NULL)
        return;
    if (w->running) {
        (void)net_channel_put(w->commands, &w->last->message, true);
        w->last = NULL; /* the thread frees it */
        (void)pthread_join(w->thread, NULL);
    }
    for (struct net_message *m = w->commands == NULL ? NULL : net_channel_take(w->commands);
         m != NULL;) {
        struct net_message *next = m->next;
        free(m); /* what it is the first member of */
        m = next;
    }
    media_desk_free(w->desk);
    sfu_free(w->sfu);
    aead_engine_free(w->engine);
    crypto_free(w->crypto);
    net_udp_free(w->udp);
    net_channel_free(w->commands);
    free(w->last);
    numbers_free(w->fresh);
    numbers_free(w->published);
    (void)pthread_mutex_destroy(&w->lock);
    free(w);
}

uint16_t media_worker_port(const struct media_worker *w)
{
    return net_udp_port(w->udp);
}

bool media_worker_post(struct media_worker *w, struct media_command *c, bool must)
{
    return net_channel_put(w->commands, &c->message, must);
}

void media_worker_stats(struct media_worker *w, struct media_worker_stats *out)
{
    (void)pthread_mutex_lock(&w->lock);
    *out = w->published->stats;
    (void)pthread_mutex_unlock(&w->lock);
}

int media_worker_meeting(struct media_worker *w, uint32_t meeting, struct sfu_meeting_stats *out)
{
    int rv = CONCLAVE_ENOTFOUND;
    (void)pthread_mutex_lock(&w->lock);
    for (size_t i = 0; rv != 0 && i < w->published->n_meetings; i++)
        if (w->published->meetings[i].meeting == meeting) {
            *out = w->published->meetings[i];
            rv = 0;
        }
    (void)pthread_mutex_unlock(&w->lock);
    return rv;
}
