#include "cmd/bench_meeting_crowd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define DAY UINT64_C(86400)
#define NAME_SIZE 64
#define SECRET_SIZE 32

/* Signatures and keys that are remembered: each member has five, and so does each path. */
#define REMEMBERED_PER_MEMBER ((size_t)16)

/* ---- The people ---- */

static int certify(struct crowd_member *m, struct identity_ca *ca, const char *name, uint64_t now)
{
    const struct identity_subject subject = {.kind = IDENTITY_USER, .name = name};
    struct buf request = {0};
    int rv = identity_csr_make(m->signer, &request);
    if (rv == 0)
        rv = identity_ca_issue(ca, buf_view(&request), &subject, now, DAY, &m->certificate);
    buf_free(&request);
    return rv;
}

static int make_members(struct crowd *c, const struct crowd_origin *from, uint64_t now)
{
    char name[NAME_SIZE];
    int rv = 0;
    for (size_t i = 0; rv == 0 && i < c->n; i++) {
        c->members[i].crowd = c;
        rv = crypto_signer_generate(c->crypto, &c->members[i].signer);
        snprintf(name, sizeof name, "member-%zu@%s", i + 1, from->domain);
        if (rv == 0)
            rv = certify(&c->members[i], from->ca, name, now);
    }
    return rv;
}

static int make_trust(struct crowd *c, const struct crowd_origin *from)
{
    const struct identity_anchor how = {.purpose = IDENTITY_PUBLIC};
    int rv = participant_trust_new(&c->trust);
    if (rv == 0)
        rv = participant_trust_add_pem(c->trust, &how, from->root);
    if (rv == 0)
        rv = participant_trust_remember(c->trust, REMEMBERED_PER_MEMBER * c->n);
    return rv;
}

static void on_impatient(void *ctx)
{
    struct crowd *c = ctx;
    c->impatient = true;
}

int crowd_init(struct crowd *c, size_t n, const struct crowd_origin *from, uint64_t now)
{
    *c = (struct crowd){.n = n, .n_marked = n, .members = calloc(n, sizeof *c->members)};
    if (c->members == NULL)
        return CONCLAVE_ENOMEM;
    int rv = crypto_new(CRYPTO_P256_AES128GCM_SHA256_P256, &c->crypto);
    if (rv == 0)
        rv = make_members(c, from, now);
    if (rv == 0)
        rv = make_trust(c, from);
    if (rv == 0)
        rv = net_loop_new(&c->loop);
    if (rv == 0)
        rv = net_clients_new(net_loop_uv(c->loop), NULL, &c->clients);
    if (rv == 0)
        rv = net_timer_new(c->loop, on_impatient, c, &c->patience);
    return rv;
}

void crowd_fini(struct crowd *c)
{
    for (size_t i = 0; c->members != NULL && i < c->n; i++) {
        join_session_free(c->members[i].session);
        crypto_signer_free(c->members[i].signer);
        buf_free(&c->members[i].certificate);
    }
    net_timer_free(c->patience);
    if (c->clients != NULL)
        net_clients_close(c->clients);
    net_loop_free(c->loop);
    net_clients_free(c->clients);
    participant_trust_free(c->trust);
    crypto_free(c->crypto);
    free(c->members);
    free(c->epochs);
    free(c->link);
    *c = (struct crowd){0};
}

void crowd_replace(struct crowd *c, size_t i, struct crypto_signer *signer, struct buf *certificate)
{
    crypto_signer_free(c->members[i].signer);
    c->members[i].signer = signer;
    buf_move(&c->members[i].certificate, certificate);
}

int crowd_set_link(struct crowd *c, const char *link)
{
    c->link = strdup(link);
    return c->link == NULL ? CONCLAVE_ENOMEM : 0;
}

/* ---- What they tell ---- */

static struct participant *brain(const struct crowd_member *m)
{
    return join_session_participant(m->session);
}

static bool is_in(const struct crowd_member *m)
{
    return m->session != NULL && !m->over && participant_phase(brain(m)) == PARTICIPANT_IN_MEETING;
}

static void note_epoch(struct crowd *c, uint64_t epoch, uint64_t now_us)
{
    if (c->n_epochs != 0 && epoch <= c->latest)
        return;
    if (c->n_epochs == c->cap_epochs) {
        size_t cap = c->cap_epochs == 0 ? 64 : 2 * c->cap_epochs;
        struct crowd_epoch *grown = realloc(c->epochs, cap * sizeof *grown);
        c->failed |= grown == NULL;
        if (grown == NULL)
            return;
        c->epochs = grown;
        c->cap_epochs = cap;
    }
    c->epochs[c->n_epochs++] = (struct crowd_epoch){epoch, now_us};
    c->latest = epoch;
}

static void on_epoch(struct crowd_member *m, uint64_t epoch)
{
    uint64_t now_us = join_session_now(m->session);
    if (!is_in(m))
        return;
    m->epoch = epoch;
    m->crowd->changed_us = now_us;
    if (m->joined_us == 0) {
        m->joined_us = now_us;
        m->first_epoch = epoch;
        m->crowd->n_joined++;
    }
    note_epoch(m->crowd, epoch, now_us);
}

static void on_event(void *ctx, const struct participant_effect *e)
{
    struct crowd_member *m = ctx;
    if (e->event == PARTICIPANT_CODE) {
        on_epoch(m, e->epoch);
    } else if (e->event == PARTICIPANT_NOTICE && e->severity != PARTICIPANT_INFO) {
        m->crowd->warnings++;
        m->crowd->warning = e->reason;
    }
}

static void on_over(void *ctx)
{
    struct crowd_member *m = ctx;
    m->over = true;
    m->ended = join_session_reason(m->session);
    m->crowd->n_over++;
}

static const struct join_session_events events = {.event = on_event, .over = on_over};

/* ---- Doing ---- */

int crowd_enter(struct crowd *c, size_t count)
{
    int rv = 0;
    for (; rv == 0 && count != 0 && c->n_entered < c->n; count--) {
        struct crowd_member *m = &c->members[c->n_entered];
        struct bytes chain = buf_view(&m->certificate);
        const struct participant_config participant = {.link = c->link,
                                                       .name = "",
                                                       .signer = m->signer,
                                                       .chain = &chain,
                                                       .n_chain = 1,
                                                       .trust = c->trust};
        const struct join_session_config config = {.loop = c->loop,
                                                   .clients = c->clients,
                                                   .participant = &participant,
                                                   .events = &events,
                                                   .ctx = m};
        rv = join_session_new(&config, &m->session);
        c->n_entered += rv == 0;
    }
    return rv;
}

bool crowd_until(struct crowd *c, uint64_t us, bool (*so)(const struct crowd *c))
{
    c->impatient = false;
    net_timer_set(c->patience, net_loop_now(c->loop) + us);
    while (!so(c) && !c->impatient && !c->failed)
        uv_run(net_loop_uv(c->loop), UV_RUN_ONCE);
    net_timer_set(c->patience, UINT64_MAX);
    return so(c);
}

bool crowd_is_together(const struct crowd *c)
{
    if (c->n_joined != c->n_entered || c->latest < c->wanted)
        return false;
    for (size_t i = 0; i < c->n_entered; i++)
        if (!c->members[i].over && (!is_in(&c->members[i]) || c->members[i].epoch != c->latest))
            return false;
    return true;
}

/* ---- Measuring ---- */

/* Heartbeats come all the time, whoever comes and goes: they are not counted. */
static uint64_t bytes_in(const struct crowd_member *m)
{
    struct participant_stats stats;
    participant_stats(brain(m), &stats);
    return stats.bytes_in - stats.message_bytes_in;
}

void crowd_mark(struct crowd *c)
{
    for (size_t i = 0; i < c->n_entered; i++)
        c->members[i].bytes = bytes_in(&c->members[i]);
    c->n_marked = c->n_entered;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* Sorted, and at the given percentages of the way from the least to the most; 0 of nothing. */
static void at_percent(uint64_t *values, size_t n, unsigned first, unsigned second,
                       uint64_t *out_first, uint64_t *out_second)
{
    *out_first = *out_second = 0;
    if (n == 0)
        return;
    qsort(values, n, sizeof *values, by_value);
    *out_first = values[(n - 1) * first / 100];
    *out_second = values[(n - 1) * second / 100];
}

void crowd_bytes(const struct crowd *c, uint64_t *out_most, uint64_t *out_median)
{
    uint64_t *values = calloc(c->n_marked + 1, sizeof *values);
    size_t n = 0;
    for (size_t i = 0; values != NULL && i < c->n_marked && i < c->n_entered; i++)
        if (is_in(&c->members[i]))
            values[n++] = bytes_in(&c->members[i]) - c->members[i].bytes;
    at_percent(values, n, 100, 50, out_most, out_median);
    free(values);
}

static uint64_t seen_at(const struct crowd *c, uint64_t epoch)
{
    for (size_t i = 0; i < c->n_epochs; i++)
        if (c->epochs[i].epoch == epoch)
            return c->epochs[i].seen_us;
    return 0;
}

void crowd_delays(const struct crowd *c, uint64_t *out_p50_us, uint64_t *out_p99_us)
{
    uint64_t *values = calloc(c->n_entered + 1, sizeof *values);
    size_t n = 0;
    for (size_t i = 1; values != NULL && i < c->n_entered; i++)
        if (c->members[i].joined_us != 0)
            values[n++] = c->members[i].joined_us - seen_at(c, c->members[i].first_epoch);
    at_percent(values, n, 50, 99, out_p50_us, out_p99_us);
    free(values);
}

static bool export(const struct crowd_member *m, uint8_t out[static SECRET_SIZE])
{
    return participant_export(brain(m), "bench", bytes_of(NULL, 0), SECRET_SIZE, out) == 0;
}

static bool same_secret(const struct crowd *c)
{
    uint8_t first[SECRET_SIZE], other[SECRET_SIZE];
    bool same = export(&c->members[0], first);
    for (size_t i = 1; same && i < c->n_entered; i++)
        if (is_in(&c->members[i]))
            same = export(&c->members[i], other) && memcmp(first, other, SECRET_SIZE) == 0;
    return same;
}

static bool same_code(const struct crowd_member *a, const struct crowd_member *b)
{
    char x[PARTICIPANT_CODE_SIZE], y[PARTICIPANT_CODE_SIZE];
    return participant_code(brain(a), x) == 0 && participant_code(brain(b), y) == 0 &&
           strcmp(x, y) == 0;
}

/* The first at or after this one who is in the meeting. */
static const struct crowd_member *present(const struct crowd *c, size_t i)
{
    while (i + 1 < c->n_entered && !is_in(&c->members[i]))
        i++;
    return &c->members[i];
}

bool crowd_agrees(const struct crowd *c)
{
    return same_secret(c) && same_code(&c->members[0], present(c, c->n_entered / 2)) &&
           same_code(&c->members[0], present(c, c->n_entered - 1));
}
