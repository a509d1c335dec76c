#include "cmd/conclaved_media.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "room/table.h"

/* What its end needs is ready from its beginning: that must not fail for want of memory. */
struct meeting {
    struct meeting *next;
    char number[MEDIA_NUMBER];
    uint32_t id;
    unsigned worker, members;
    struct media_command *close;
};

struct member {
    struct table_link by_conn; /* first */
    struct meeting *meeting;
    struct media_command *gone;
};

struct media {
    struct media_config config;
    struct media_worker *workers[MEDIA_WORKERS];
    unsigned load[MEDIA_WORKERS]; /* members */
    unsigned n_workers;
    struct dtls_identity *identity;
    struct net_channel *reports;
    struct net_watch *watch;
    struct table members;
    struct meeting *meetings; /* a list: a server has few at a time */
    uint32_t next_id;
    struct media_counters counters;
};

/* ---- From workers ---- */

static void say_all(void *ctx)
{
    struct media *m = ctx;
    struct net_message *next = net_channel_take(m->reports);
    while (next != NULL) {
        struct media_report *r = (struct media_report *)next; /* its first member */
        next = next->next;
        for (size_t i = 0; i < r->n_conns; i++)
            m->config.say(m->config.ctx, r->conns[i], r->body);
        free(r);
    }
}

/* ---- Life ---- */

static unsigned cores(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return n < 1 ? 1 : n > (int)MEDIA_WORKERS ? MEDIA_WORKERS : (unsigned)n;
}

static int open_workers(struct media *m)
{
    unsigned n = m->config.workers != 0 ? m->config.workers : cores();
    uint16_t first = m->config.udp.port;
    int rv = n > MEDIA_WORKERS || (first != 0 && first + n - 1 > UINT16_MAX) ? CONCLAVE_EINVAL : 0;
    for (unsigned i = 0; rv == 0 && i < n; i++) {
        struct media_worker_config config = {.udp = m->config.udp,
                                             .addresses = m->config.addresses,
                                             .n_addresses = m->config.n_addresses,
                                             .identity = m->identity,
                                             .reports = m->reports};
        config.udp.port = first == 0 ? 0 : (uint16_t)(first + i);
        rv = media_worker_new(&config, &m->workers[i]);
        if (rv == 0)
            m->n_workers++;
    }
    return rv;
}

int media_new(const struct media_config *config, struct media **out)
{
    struct mix_seed seed;
    struct media *m = calloc(1, sizeof *m);
    if (m == NULL)
        return CONCLAVE_ENOMEM;
    m->config = *config;
    int rv = getrandom(&seed, sizeof seed, 0) == (ssize_t)sizeof seed ? 0 : CONCLAVE_ERANDOM;
    if (rv == 0)
        rv = room_table_init(&m->members, seed);
    if (rv == 0)
        rv = dtls_identity_new(net_loop_now(config->loop), &m->identity);
    if (rv == 0)
        rv = net_channel_new(MEDIA_QUEUE, &m->reports);
    if (rv == 0)
        rv = net_watch_new(config->loop, net_channel_fd(m->reports), say_all, m, &m->watch);
    if (rv == 0)
        rv = open_workers(m);
    if (rv != 0) {
        int kept = errno;
        media_free(m);
        errno = kept;
        return rv;
    }
    *out = m;
    return 0;
}

static void meeting_free(struct media *m, struct meeting *g)
{
    struct meeting **at = &m->meetings;
    while (*at != g)
        at = &(*at)->next;
    *at = g->next;
    m->counters.meetings--;
    free(g->close);
    free(g);
}

static void member_free(struct media *m, struct member *who)
{
    struct meeting *g = who->meeting;
    room_table_take(&m->members, &who->by_conn);
    m->counters.members--;
    m->load[g->worker]--;
    if (--g->members == 0)
        meeting_free(m, g);
    free(who->gone);
    free(who);
}

void media_free(struct media *m)
{
    if (m == NULL)
        return;
    for (unsigned i = 0; i < m->n_workers; i++)
        media_worker_free(m->workers[i]);
    dtls_identity_free(m->identity);
    for (size_t i = 0; i < m->members.cap; i++)
        while (m->members.heads[i] != NULL)
            member_free(m, (struct member *)m->members.heads[i]);
    room_table_fini(&m->members);
    net_watch_free(m->watch);
    for (struct net_message *r = m->reports == NULL ? NULL : net_channel_take(m->reports);
         r != NULL;) {
        struct net_message *next = r->next;
        free(r); /* what it is the first member of */
        r = next;
    }
    net_channel_free(m->reports);
    free(m);
}

/* ---- Who is where ---- */

static struct meeting *meeting_of(const struct media *m, const char *number)
{
    struct meeting *g = m->meetings;
    while (g != NULL && strcmp(g->number, number) != 0)
        g = g->next;
    return g;
}

static struct member *member_of(const struct media *m, uint64_t conn)
{
    return (struct member *)room_table_find(&m->members, conn);
}

static unsigned least_loaded(const struct media *m)
{
    unsigned best = 0;
    for (unsigned i = 1; i < m->n_workers; i++)
        if (m->load[i] < m->load[best])
            best = i;
    return best;
}

static int post_epoch(struct media *m, const struct meeting *g, uint64_t epoch, uint32_t leaves)
{
    struct media_command *c;
    int rv = media_command_new(MEDIA_EPOCH, bytes_of(NULL, 0), &c);
    if (rv != 0)
        return rv;
    c->meeting = g->id;
    c->epoch = epoch;
    c->leaves = leaves;
    (void)media_worker_post(m->workers[g->worker], c, true);
    return 0;
}

/* A place on the worker that has the fewest members. */
static int meeting_new(struct media *m, const char *number, struct meeting **out)
{
    struct media_command *open = NULL;
    struct meeting *g = calloc(1, sizeof *g);
    uint64_t epoch;
    uint32_t leaves;
    int rv = g == NULL ? CONCLAVE_ENOMEM : media_command_new(MEDIA_OPEN, bytes_of(NULL, 0), &open);
    if (rv == 0)
        rv = media_command_new(MEDIA_CLOSE, bytes_of(NULL, 0), &g->close);
    if (rv != 0) {
        free(open);
        free(g);
        return rv;
    }
    (void)snprintf(g->number, sizeof g->number, "%s", number);
    g->worker = least_loaded(m);
    g->id = open->meeting = g->close->meeting = m->next_id++;
    (void)media_worker_post(m->workers[g->worker], open, true);
    g->next = m->meetings;
    m->meetings = g;
    m->counters.meetings++;
    /* Without memory key ids are looked at from the next epoch on. */
    if (m->config.epoch(m->config.ctx, number, &epoch, &leaves))
        (void)!post_epoch(m, g, epoch, leaves);
    *out = g;
    return 0;
}

static int member_new(struct media *m, const char *number, uint64_t conn, struct member **out)
{
    struct meeting *g = meeting_of(m, number);
    struct member *who = calloc(1, sizeof *who);
    int rv = who == NULL ? CONCLAVE_ENOMEM
                         : media_command_new(MEDIA_GONE, bytes_of(NULL, 0), &who->gone);
    if (rv == 0 && g == NULL)
        rv = meeting_new(m, number, &g);
    if (rv != 0) {
        if (who != NULL)
            free(who->gone);
        free(who);
        return rv;
    }
    who->gone->conn = conn;
    who->meeting = g;
    g->members++;
    m->load[g->worker]++;
    m->counters.members++;
    room_table_put(&m->members, &who->by_conn, conn);
    *out = who;
    return 0;
}

int media_hear(struct media *m, const char *number, uint64_t conn, uint32_t leaf, struct bytes body)
{
    struct media_command *c = NULL;
    struct member *who = member_of(m, conn);
    int rv = media_command_new(MEDIA_HEAR, body, &c);
    if (rv == 0 && who == NULL)
        rv = member_new(m, number, conn, &who);
    if (rv != 0) {
        m->counters.unheard++;
        free(c);
        return rv;
    }
    c->meeting = who->meeting->id;
    c->conn = conn;
    c->leaf = leaf;
    if (!media_worker_post(m->workers[who->meeting->worker], c, false)) {
        m->counters.unheard++; /* the worker is behind: that is nobody's fault */
        free(c);
    }
    return 0;
}

void media_gone(struct media *m, uint64_t conn)
{
    struct member *who = member_of(m, conn);
    if (who == NULL)
        return;
    struct meeting *g = who->meeting;
    struct media_worker *w = m->workers[g->worker];
    (void)media_worker_post(w, who->gone, true);
    who->gone = NULL;
    if (g->members == 1) {
        (void)media_worker_post(w, g->close, true);
        g->close = NULL;
    }
    member_free(m, who);
}

void media_epoch(struct media *m, const char *number, uint64_t epoch, uint32_t leaves)
{
    const struct meeting *g = meeting_of(m, number);
    if (g != NULL && post_epoch(m, g, epoch, leaves) != 0)
        m->counters.unheard++;
}

unsigned media_workers(const struct media *m)
{
    return m->n_workers;
}

struct media_worker *media_worker(const struct media *m, unsigned i)
{
    return m->workers[i];
}

void media_counters(const struct media *m, struct media_counters *out)
{
    *out = m->counters;
}

int media_meeting_stats(const struct media *m, const char *number, struct sfu_meeting_stats *out)
{
    const struct meeting *g = meeting_of(m, number);
    return g == NULL ? CONCLAVE_ENOTFOUND : media_worker_meeting(m->workers[g->worker], g->id, out);
}
