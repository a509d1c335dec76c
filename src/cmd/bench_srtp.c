/* conclave bench srtp: packets against the bare call of the provider and against libsrtp2. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/bench.h"
#include "rtc/srtp_session.h"

#if __has_include(<srtp2/srtp.h>)
#include <srtp2/srtp.h>
#define HAVE_SRTP2 1
#endif

#define HEADER 12
#define SESSIONS 1000
#define BYTES_AT_A_TIME 65536

static const size_t sizes[] = {80, 200, 1200, 20000};
#define N_SIZES (sizeof sizes / sizeof sizes[0])
static const uint8_t master[32 + SRTP_SALT] = {1, 2, 3};

/* Packets to work on in place; `kept` is what they are before each run. */
struct work {
    struct aead_engine *engine;
    struct aead *aead;
    struct srtp **sessions; /* packet i belongs to session i % n_sessions */
    size_t n_sessions;
    size_t bytes, count, stride;
    uint8_t *packets, *kept;
    bool silent; /* do not announce the next session */
    int failures;
    void *theirs; /* libsrtp2's session */
};

static uint8_t *packet(struct work *w, size_t i)
{
    return w->packets + i * w->stride;
}

static size_t plain_n(const struct work *w)
{
    return HEADER + w->bytes;
}

static void work_fini(struct work *w)
{
    for (size_t i = 0; w->sessions != NULL && i < w->n_sessions; i++)
        srtp_free(w->sessions[i]);
    free(w->sessions);
    aead_free(w->aead);
    free(w->packets);
    free(w->kept);
}

static int session_new(struct work *w, enum srtp_direction d, struct srtp **out)
{
    return srtp_new(w->engine, SRTP_AEAD_AES_256_GCM, d, bytes_of(master, 32),
                    bytes_of(master + 32, SRTP_SALT), out);
}

/* Packets of `streams` SSRCs in turn, each with its own sequence numbers. */
static int work_init(struct work *w, struct aead_engine *e, size_t bytes, size_t count,
                     size_t sessions, size_t streams, enum srtp_direction d)
{
    *w = (struct work){.engine = e, .bytes = bytes, .count = count, .n_sessions = sessions};
    w->stride = (HEADER + bytes + SRTP_OVERHEAD + 63) / 64 * 64;
    w->packets = calloc(count, w->stride);
    w->kept = calloc(count, w->stride);
    w->sessions = calloc(sessions, sizeof(struct srtp *));
    if (w->packets == NULL || w->kept == NULL || w->sessions == NULL)
        return CONCLAVE_ENOMEM;
    for (size_t i = 0; i < count; i++) {
        uint8_t *p = w->kept + i * w->stride;
        p[0] = 0x80;
        p[3] = (uint8_t)(i / streams);
        p[2] = (uint8_t)(i / streams >> 8);
        srtp_store32(p + 8, 1 + (uint32_t)(i % streams));
    }
    memcpy(w->packets, w->kept, count * w->stride);
    int rv = aead_new(e, AEAD_ALG_GCM256, AEAD_TAG, bytes_of(master, 32), &w->aead);
    for (size_t i = 0; rv == 0 && i < sessions; i++)
        rv = session_new(w, d, &w->sessions[i]);
    return rv;
}

/* -- The cases ----------------------------------------------------------------------------- */

static void rewind_windows(struct work *w)
{
    for (size_t i = 0; i < w->n_sessions; i++)
        for (size_t j = 0; j < w->sessions[i]->rtp.streams.n; j++)
            w->sessions[i]->rtp.streams.streams[j].window = (struct replay){0};
}

/* Packets and windows as they were, so that the same can be sealed or opened again. */
static void restore(void *ctx)
{
    struct work *w = ctx;
    memcpy(w->packets, w->kept, w->count * w->stride);
    rewind_windows(w);
}

static void bare(struct work *w, bool sealing)
{
    static const uint8_t nonce[AEAD_NONCE] = {1};
    for (size_t i = 0; i < w->count; i++) {
        uint8_t *text = packet(w, i) + HEADER;
        w->aead->bare(w->aead, sealing, nonce, bytes_of(packet(w, i), HEADER),
                      bytes_of(text, w->bytes), text, text + w->bytes);
    }
}

static void bare_seal(void *ctx)
{
    bare(ctx, true);
}

static void bare_open(void *ctx)
{
    bare(ctx, false);
}

static size_t next_session(const struct work *w, size_t s)
{
    return s + 1 == w->n_sessions ? 0 : s + 1;
}

/* With more than one session the next is announced, as whoever handles a batch of packets can. */
static void announce(const struct work *w, size_t s)
{
    if (w->n_sessions > 1 && !w->silent)
        srtp_prefetch(w->sessions[next_session(w, s)]);
}

static void seal(void *ctx)
{
    struct work *w = ctx;
    size_t n, s = 0;
    for (size_t i = 0; i < w->count; i++, s = next_session(w, s)) {
        announce(w, s);
        w->failures += srtp_seal(w->sessions[s], packet(w, i), plain_n(w), w->stride, &n) != 0;
    }
}

static void open_packets(void *ctx)
{
    struct work *w = ctx;
    size_t n, s = 0;
    for (size_t i = 0; i < w->count; i++, s = next_session(w, s)) {
        announce(w, s);
        w->failures += srtp_open(w->sessions[s], packet(w, i), plain_n(w) + SRTP_OVERHEAD, &n) != 0;
    }
}

/* One payload to all sessions. */
static void seal_each(void *ctx)
{
    struct work *w = ctx;
    struct srtp_job jobs[SESSIONS];
    for (size_t i = 0; i < w->count; i++)
        jobs[i] = (struct srtp_job){
            w->sessions[i % w->n_sessions], packet(w, i), HEADER, w->stride, 0, 0};
    w->failures += srtp_seal_each(jobs, w->count, bytes_of(w->kept + HEADER, w->bytes)) != w->count;
}

/* The same by hand: copy the payload behind each header, and seal. */
static void copy_and_seal(void *ctx)
{
    struct work *w = ctx;
    for (size_t i = 0; i < w->count; i++)
        memcpy(packet(w, i) + HEADER, w->kept + HEADER, w->bytes);
    seal(w);
}

/* Makes kept the sealed packets of what it was. */
static void keep_sealed(struct work *w, void (*seal_all)(void *ctx))
{
    seal_all(w);
    memcpy(w->kept, w->packets, w->count * w->stride);
}

static int opening_init(struct work *w, struct aead_engine *e, size_t bytes, size_t count,
                        size_t sessions, size_t streams)
{
    struct work sealing;
    int rv = work_init(&sealing, e, bytes, count, sessions, streams, SRTP_SEALING);
    if (rv == 0)
        rv = work_init(w, e, bytes, count, sessions, streams, SRTP_OPENING);
    if (rv == 0) {
        seal(&sealing);
        memcpy(w->kept, sealing.packets, count * w->stride);
        w->failures = sealing.failures;
    }
    work_fini(&sealing);
    return rv;
}

/* -- libsrtp2, if it is installed ---------------------------------------------------------- */

#if defined(HAVE_SRTP2)
struct srtp2 {
    void *library;
    srtp_err_status_t (*init)(void);
    srtp_err_status_t (*create)(srtp_t *session, const srtp_policy_t *policy);
    srtp_err_status_t (*dealloc)(srtp_t session);
    srtp_err_status_t (*protect)(srtp_t session, void *packet, int *n);
    srtp_err_status_t (*unprotect)(srtp_t session, void *packet, int *n);
    void (*use_gcm)(srtp_crypto_policy_t *policy);
};

/* POSIX lets a data pointer hold a function; ISO C has no cast for it. */
static bool find(void *library, const char *name, void *out_function)
{
    void *symbol = dlsym(library, name);
    memcpy(out_function, &symbol, sizeof symbol);
    return symbol != NULL;
}

static bool srtp2_load(struct srtp2 *l)
{
    *l = (struct srtp2){.library = dlopen("libsrtp2.so.1", RTLD_NOW | RTLD_LOCAL)};
    return l->library != NULL && find(l->library, "srtp_init", &l->init) &&
           find(l->library, "srtp_create", &l->create) &&
           find(l->library, "srtp_dealloc", &l->dealloc) &&
           find(l->library, "srtp_protect", &l->protect) &&
           find(l->library, "srtp_unprotect", &l->unprotect) &&
           find(l->library, "srtp_crypto_policy_set_aes_gcm_256_16_auth", &l->use_gcm) &&
           l->init() == srtp_err_status_ok;
}

struct their_work {
    struct work w;
    const struct srtp2 *lib;
    srtp_ssrc_type_t direction;
    srtp_t session;
};

static void their_packet(struct their_work *t, size_t i)
{
    bool sealing = t->direction == ssrc_any_outbound;
    int n = (int)(plain_n(&t->w) + (sealing ? 0 : SRTP_OVERHEAD));
    t->w.failures += (sealing ? t->lib->protect : t->lib->unprotect)(t->session, packet(&t->w, i),
                                                                     &n) != srtp_err_status_ok;
}

/* A new session each time, as a packet is taken once; the first one, which makes the stream and its
 * key, is not timed. */
static void their_restore(void *ctx)
{
    struct their_work *t = ctx;
    srtp_policy_t policy;
    uint8_t key[sizeof master];
    restore(&t->w);
    if (t->session != NULL)
        t->lib->dealloc(t->session);
    t->session = NULL;
    memset(&policy, 0, sizeof policy);
    t->lib->use_gcm(&policy.rtp);
    t->lib->use_gcm(&policy.rtcp);
    memcpy(key, master, sizeof key);
    policy.key = key;
    policy.window_size = REPLAY_WINDOW;
    policy.ssrc.type = t->direction;
    t->w.failures += t->lib->create(&t->session, &policy) != srtp_err_status_ok;
    if (t->w.failures == 0)
        their_packet(t, 0);
}

static void their_run(void *ctx)
{
    struct their_work *t = ctx;
    for (size_t i = 1; i < t->w.count; i++)
        their_packet(t, i);
}
#endif

/* -- The runs ------------------------------------------------------------------------------ */

enum { BARE_SEAL, SEAL, BARE_OPEN, OPEN, N_CASES };
#define SIDES_MAX 3

struct run {
    const struct bench_options *options;
    struct aead_engine *engines[2];
    size_t n_engines;
    int failures;
#if defined(HAVE_SRTP2)
    struct srtp2 srtp2;
    bool have_srtp2;
#endif
};

static struct bench_case case_of(const char *op, const char *provider, const struct work *w,
                                 void (*run)(void *ctx), void *ctx)
{
    return (struct bench_case){.op = op,
                               .provider = provider,
                               .bytes = w->bytes,
                               .count = w->count,
                               .prepare = restore,
                               .run = run,
                               .ctx = ctx};
}

static int make_cases(struct run *r, struct aead_engine *e, size_t bytes, size_t count,
                      struct work w[static N_CASES], struct bench_case c[static N_CASES])
{
    const char *name = aead_engine_name(e);
    int rv = work_init(&w[BARE_SEAL], e, bytes, count, 1, 1, SRTP_SEALING);
    if (rv == 0)
        rv = work_init(&w[SEAL], e, bytes, count, 1, 1, SRTP_SEALING);
    if (rv == 0)
        rv = work_init(&w[BARE_OPEN], e, bytes, count, 1, 1, SRTP_SEALING);
    if (rv == 0)
        rv = opening_init(&w[OPEN], e, bytes, count, 1, 1);
    if (rv != 0)
        return rv;
    keep_sealed(&w[BARE_OPEN], bare_seal);
    c[BARE_SEAL] = case_of("bare-seal", name, &w[BARE_SEAL], bare_seal, &w[BARE_SEAL]);
    c[SEAL] = case_of("seal", name, &w[SEAL], seal, &w[SEAL]);
    c[BARE_OPEN] = case_of("bare-open", name, &w[BARE_OPEN], bare_open, &w[BARE_OPEN]);
    c[OPEN] = case_of("open", name, &w[OPEN], open_packets, &w[OPEN]);
    c[SEAL].floor = &c[BARE_SEAL];
    c[OPEN].floor = &c[BARE_OPEN];
    (void)r;
    return 0;
}

static void run_size(struct run *r, size_t bytes)
{
    struct work work[2][N_CASES] = {0};
    struct bench_case cases[SIDES_MAX * N_CASES];
    size_t count = BYTES_AT_A_TIME / bytes > 64 ? 64 : BYTES_AT_A_TIME / bytes, n = 0;
    for (size_t i = 0; i < r->n_engines; i++, n += N_CASES)
        r->failures += make_cases(r, r->engines[i], bytes, count, work[i], &cases[n]) != 0;
#if defined(HAVE_SRTP2)
    struct their_work theirs[2] = {0};
    for (size_t i = 0; r->have_srtp2 && i < 2; i++) {
        struct their_work *t = &theirs[i];
        t->lib = &r->srtp2;
        t->direction = i == 0 ? ssrc_any_outbound : ssrc_any_inbound;
        r->failures += (i == 0 ? work_init(&t->w, r->engines[0], bytes, count, 1, 1, SRTP_SEALING)
                               : opening_init(&t->w, r->engines[0], bytes, count, 1, 1)) != 0;
        cases[n] = case_of(i == 0 ? "seal" : "open", "libsrtp2", &t->w, their_run, t);
        cases[n].count = count - 1;
        cases[n].prepare = their_restore;
        cases[n].floor = &cases[i == 0 ? BARE_SEAL : BARE_OPEN];
        n++;
    }
#endif
    if (r->failures != 0)
        return;
    bench_measure(cases, n, r->options->quick);
    for (size_t i = 0; i < n; i++)
        bench_line(r->options, "srtp", &cases[i]);
    if (bytes == 1200) {
        bench_target(r->options, "seal of 1,200 B to the bare call", bench_ratio(&cases[SEAL]), 1.5,
                     false);
        bench_target(r->options, "open of 1,200 B to the bare call", bench_ratio(&cases[OPEN]), 1.5,
                     false);
    }
#if defined(HAVE_SRTP2)
    if (bytes == 1200 && r->have_srtp2) {
        bench_target(r->options, "libsrtp2's seal to ours", cases[n - 2].ns / cases[SEAL].ns, 4,
                     true);
        bench_target(r->options, "libsrtp2's open to ours", cases[n - 1].ns / cases[OPEN].ns, 4,
                     true);
    }
    for (size_t i = 0; r->have_srtp2 && i < 2; i++) {
        r->failures += theirs[i].w.failures;
        r->srtp2.dealloc(theirs[i].session);
        work_fini(&theirs[i].w);
    }
#endif
    for (size_t i = 0; i < r->n_engines * N_CASES; i++) {
        r->failures += work[i / N_CASES][i % N_CASES].failures;
        work_fini(&work[i / N_CASES][i % N_CASES]);
    }
}

/* A thousand streams of one session, and a thousand sessions, against one of each. */
static void run_round_robin(struct run *r)
{
    enum { ONE, STREAMS, MANY, SILENT, COPY, EACH, OPEN_ONE, OPEN_STREAMS, OPEN_MANY, N };
    static const struct {
        const char *op, *target;
        size_t sessions, streams;
        void (*run)(void *ctx);
        int floor;
    } rows[N] = {
        [ONE] = {"seal-1", NULL, 1, 1, seal, ONE},
        [STREAMS] = {"seal-streams", "seal on 1,000 streams in turn to one", 1, SESSIONS, seal,
                     ONE},
        [MANY] = {"seal-sessions", "seal in 1,000 sessions in turn to one", SESSIONS, 1, seal, ONE},
        [SILENT] = {"seal-silent", NULL, SESSIONS, 1, seal, ONE},
        [COPY] = {"copy-and-seal", NULL, SESSIONS, 1, copy_and_seal, COPY},
        [EACH] = {"seal-each", "one payload in a batch to copy and seal", SESSIONS, 1, seal_each,
                  COPY},
        [OPEN_ONE] = {"open-1", NULL, 1, 1, open_packets, OPEN_ONE},
        [OPEN_STREAMS] = {"open-streams", "open on 1,000 streams in turn to one", 1, SESSIONS,
                          open_packets, OPEN_ONE},
        [OPEN_MANY] = {"open-sessions", "open in 1,000 sessions in turn to one", SESSIONS, 1,
                       open_packets, OPEN_ONE},
    };
    struct work work[N] = {0};
    struct bench_case cases[N];
    struct aead_engine *e = r->engines[0];
    for (size_t i = 0; i < N; i++) {
        r->failures += (i < OPEN_ONE ? work_init(&work[i], e, 1200, SESSIONS, rows[i].sessions,
                                                 rows[i].streams, SRTP_SEALING)
                                     : opening_init(&work[i], e, 1200, SESSIONS, rows[i].sessions,
                                                    rows[i].streams)) != 0;
        work[i].silent = i == SILENT;
        cases[i] = case_of(rows[i].op, aead_engine_name(e), &work[i], rows[i].run, &work[i]);
        cases[i].floor = &cases[rows[i].floor];
    }
    if (r->failures == 0)
        bench_measure(cases, N, r->options->quick);
    for (size_t i = 0; i < N; i++) {
        if (r->failures == 0)
            bench_line(r->options, "srtp", &cases[i]);
        r->failures += work[i].failures;
        work_fini(&work[i]);
    }
    for (size_t i = 0; r->failures == 0 && i < N; i++)
        if (rows[i].target != NULL)
            bench_target(r->options, rows[i].target, bench_ratio(&cases[i]), i == EACH ? 1 : 1.5,
                         false);
}

int bench_srtp(int argc, char **argv)
{
    static const enum aead_choice choices[] = {AEAD_IPSECMB, AEAD_OPENSSL};
    struct bench_options o;
    struct run r = {.options = &o};
    if (!bench_options(argc, argv, &o))
        return 2;
    for (size_t i = 0; i < 2; i++)
        r.n_engines += aead_engine_new(choices[i], &r.engines[r.n_engines]) == 0;
    if (r.n_engines == 0) {
        fprintf(stderr, "conclave bench srtp: no crypto provider\n");
        return 1;
    }
#if defined(HAVE_SRTP2)
    r.have_srtp2 = srtp2_load(&r.srtp2);
    if (!r.have_srtp2)
        fprintf(stderr, "libsrtp2 is not installed: no comparison with it\n");
#else
    fprintf(stderr, "built without libsrtp2's header: no comparison with it\n");
#endif
    bench_head(&o, "SRTP, AEAD_AES_256_GCM");
    for (size_t i = 0; i < N_SIZES; i++)
        run_size(&r, sizes[i]);
    run_round_robin(&r);
    for (size_t i = 0; i < r.n_engines; i++)
        aead_engine_free(r.engines[i]);
    if (r.failures != 0)
        fprintf(stderr, "conclave bench srtp: %d operations failed\n", r.failures);
    return r.failures == 0 ? 0 : 1;
}
