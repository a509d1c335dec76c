/* conclave bench mls: each operation of a group against its floor, which is the public-key work it
 * cannot do without, counted, times what that work costs alone in the same run. */
#include <malloc.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <conclave/mls.h>

#include "cmd/bench.h"
#include "cmd/bench_mls_world.h"
#include "crypto/hpke.h"

#define REPEATS_SMALL 400 /* of operations of microseconds */

struct run {
    struct mls_options options;
    struct mls_floor floor; /* microseconds of each primitive */
    struct mls_world *world;
    uint32_t n;
};

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void line(const struct run *r, const char *op, double us, double floor, double target)
{
    double ratio = us / floor;
    if (r->options.json) {
        printf("{\"bench\":\"mls\",\"op\":\"%s\",\"n\":%u,\"suite\":%u,\"measured_us\":%.2f,"
               "\"floor_us\":%.2f,\"ratio\":%.3f}\n",
               op, r->n, r->options.suite, us, floor, ratio);
    } else {
        printf("%-26s %7u %14.1f %14.1f %7.2f", op, r->n, us, floor, ratio);
        if (target > 0)
            printf("  (<= %.2f) %s", target, ratio <= target ? "met" : "MISSED");
        printf("\n");
    }
    fflush(stdout);
}

/* ---- The primitives ---- */

/* What a primitive works on. */
struct primitive {
    struct crypto *c;
    struct crypto_signer *signer;
    struct secret priv;
    uint8_t pub[CRYPTO_PUBLIC_KEY_MAX], sig[CRYPTO_SIGNATURE_MAX];
    size_t sig_n;
};

static struct bytes sample(void)
{
    return bytes_str("a message of a length that hashing hardly notices");
}

static int do_sign(struct primitive *p)
{
    struct bytes message = sample();
    return crypto_sign(p->signer, &message, 1, p->sig, &p->sig_n);
}

static int do_verify(struct primitive *p)
{
    struct bytes message = sample();
    return crypto_verify(p->c, crypto_signer_public(p->signer), &message, 1,
                         bytes_of(p->sig, p->sig_n));
}

static int do_base(struct primitive *p)
{
    uint8_t out[CRYPTO_PUBLIC_KEY_MAX];
    return p->c->ops->secret->dh_public(p->c->state, secret_view(&p->priv), out);
}

static int do_dh(struct primitive *p)
{
    uint8_t out[CRYPTO_PUBLIC_KEY_MAX];
    return p->c->ops->secret->dh(p->c->state, secret_view(&p->priv),
                                 bytes_of(p->pub, p->c->suite->npk), out);
}

/* The fastest of several rounds: what else the machine does only ever adds. */
static double fastest(const struct run *r, int (*op)(struct primitive *), struct primitive *p)
{
    int rounds = r->options.quick ? 2 : 40, count = r->options.quick ? 5 : 50;
    double best = INFINITY;
    for (int i = 0; i < rounds; i++) {
        double start = now_us();
        for (int k = 0; k < count; k++)
            mls_must(op(p), "primitive");
        best = fmin(best, (now_us() - start) / count);
    }
    return best;
}

static void measure_floor(struct run *r)
{
    struct primitive p = {0};
    mls_must(crypto_new(r->options.suite, &p.c), "crypto");
    mls_must(crypto_signer_generate(p.c, &p.signer), "signer");
    mls_must(hpke_generate_key_pair(p.c, &p.priv, p.pub), "key pair");
    r->floor.sign = fastest(r, do_sign, &p);
    r->floor.verify = fastest(r, do_verify, &p);
    r->floor.base = fastest(r, do_base, &p);
    r->floor.dh = fastest(r, do_dh, &p);
    if (!r->options.json)
        printf("primitives, us: sign %.1f, verify %.1f, base point %.1f, Diffie-Hellman %.1f\n",
               r->floor.sign, r->floor.verify, r->floor.base, r->floor.dh);
    else
        printf("{\"bench\":\"mls\",\"op\":\"primitives\",\"suite\":%u,\"sign_us\":%.2f,"
               "\"verify_us\":%.2f,\"base_us\":%.2f,\"dh_us\":%.2f}\n",
               r->options.suite, r->floor.sign, r->floor.verify, r->floor.base, r->floor.dh);
    crypto_signer_free(p.signer);
    crypto_free(p.c);
}

/* ---- The operations ---- */

static void bench_key_package(struct run *r)
{
    struct mls_key_package *kp = NULL;
    double best = INFINITY;
    for (int i = 0; i < REPEATS_SMALL; i++) {
        double start = now_us();
        mls_must(mls_key_package_new(r->world->founder.client, MLS_NOW, MLS_NOW + 1000, false, &kp),
                 "key package");
        best = fmin(best, now_us() - start);
        mls_key_package_free(kp);
    }
    line(r, "key_package", best, 2 * r->floor.base + 2 * r->floor.sign, 1.25);
}

/* A seal is an ephemeral key and a Diffie-Hellman. */
static double seal(const struct run *r)
{
    return r->floor.base + r->floor.dh;
}

static int repeats(const struct run *r)
{
    return r->options.quick ? 1 : r->n >= 5000 ? 2 : r->n >= 500 ? 5 : 20;
}

static void bench_add_all(struct run *r)
{
    struct mls_world *w = r->world;
    struct buf commit = {0};
    double best = INFINITY, n = r->n - 1;
    for (int i = 0; i < repeats(r); i++) {
        mls_must(mls_group_drop_own(w->founder.group), "drop");
        double start = now_us();
        mls_must(mls_group_commit(w->founder.group, w->adds, r->n - 1, NULL, MLS_NOW, &commit),
                 "commit");
        best = fmin(best, now_us() - start);
    }
    mls_must(mls_group_merge_own(w->founder.group, &w->welcome), "merge");
    buf_free(&commit);
    line(r, "commit_add_all", best, n * (2 * r->floor.verify + seal(r)) + 2 * r->floor.sign, 1.25);
}

static void free_group(struct mls_group **g)
{
    mls_group_free(*g);
    *g = NULL;
}

static double join_once(struct mls_world *w, const struct mls_executor *executor)
{
    struct mls_member_state *m = &w->joiner;
    struct mls_key_package *kp;
    free_group(&m->group);
    mls_must(mls_world_joiner(w, executor, &kp), "joiner");
    double start = now_us();
    mls_must(mls_group_join(m->client, buf_view(&w->welcome), bytes_of(NULL, 0), kp, NULL, 0,
                            MLS_NOW, &m->group),
             "join");
    double us = now_us() - start;
    mls_key_package_free(kp);
    return us;
}

struct thread_task {
    void (*task)(void *arg, unsigned worker);
    void *arg;
    unsigned worker;
};

static void *thread_main(void *p)
{
    struct thread_task *t = p;
    t->task(t->arg, t->worker);
    return NULL;
}

static void run_threads(void *ctx, unsigned workers, void (*task)(void *arg, unsigned worker),
                        void *arg)
{
    pthread_t threads[8];
    struct thread_task tasks[8];
    (void)ctx;
    for (unsigned i = 1; i < workers && i < 8; i++) {
        tasks[i] = (struct thread_task){task, arg, i};
        mls_must(pthread_create(&threads[i], NULL, thread_main, &tasks[i]), "thread");
    }
    task(arg, 0);
    for (unsigned i = 1; i < workers && i < 8; i++)
        pthread_join(threads[i], NULL);
}

static void bench_join(struct run *r)
{
    struct mls_world *w = r->world;
    struct mls_executor none = {0}, two = {.workers = 2, .run = run_threads};
    double one_best = INFINITY, two_best = INFINITY;
    double floor = (r->n + 1) * r->floor.verify + r->floor.dh;
    for (int i = 0; i < repeats(r); i++)
        two_best = fmin(two_best, join_once(w, &two));
    for (int i = 0; i < repeats(r); i++)
        one_best = fmin(one_best, join_once(w, &none));
    line(r, "join", one_best, floor, 1.25);
    line(r, "join_two_threads", two_best, floor, 0.7);
}

/* What a joined group holds per member, beside the leaf nodes' own bytes. */
static void bench_memory(struct run *r)
{
    struct mls_world *w = r->world;
    free_group(&w->joiner.group);
    size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    join_once(w, &(struct mls_executor){0});
    size_t after = mallinfo2().uordblks + mallinfo2().hblkhd;
    double per_member = (double)(after - before - mls_world_leaf_bytes(w)) / r->n;
    if (r->options.json)
        printf("{\"bench\":\"mls\",\"op\":\"memory\",\"n\":%u,\"suite\":%u,"
               "\"bytes_per_member\":%.0f,\"peak_rss_kb\":%ld}\n",
               r->n, r->options.suite, per_member, mls_world_peak_kb());
    else
        printf("%-26s %7u %10.0f bytes a member beside its leaf (<= 1024) %s; peak of the whole "
               "bench %ld kB\n",
               "memory", r->n, per_member, per_member <= 1024 ? "met" : "MISSED",
               mls_world_peak_kb());
}

static double path_commit(struct run *r, struct buf *commit)
{
    static const struct mls_commit_options options = {.force_path = true};
    struct mls_world *w = r->world;
    double best = INFINITY;
    for (int i = 0; i < repeats(r); i++) {
        mls_must(mls_group_drop_own(w->founder.group), "drop");
        double start = now_us();
        mls_must(mls_group_commit(w->founder.group, NULL, 0, &options, MLS_NOW, commit), "commit");
        best = fmin(best, now_us() - start);
    }
    return best;
}

/* Receives and stages a commit again and again; merging is part of the work, so the last is. */
static double process(struct run *r, const struct buf *commit)
{
    struct mls_world *w = r->world;
    struct mls_received received;
    double best = INFINITY;
    for (int i = 0; i < repeats(r) * 10; i++) {
        struct mls_group *g = mls_world_copy(w, &w->joiner);
        double start = now_us();
        mls_must(mls_group_receive(g, buf_view(commit), MLS_NOW, &received), "receive");
        mls_must(mls_group_merge(g, mls_received_take(&received)), "merge");
        best = fmin(best, now_us() - start);
        mls_received_free(&received);
        mls_group_free(g);
    }
    return best;
}

/* The joiner's neighbour is the founder's path at this many levels above their common ancestor. */
static double levels(const struct run *r)
{
    return ceil(log2(r->n));
}

/* A commit with a path in the tree as it is, and what another does with it. */
static void bench_path(struct run *r, const char *commit_op, const char *process_op, double floor)
{
    struct buf commit = {0};
    line(r, commit_op, path_commit(r, &commit), floor, 1.25);
    line(r, process_op, process(r, &commit), 2 * r->floor.verify + r->floor.dh + r->floor.base, 0);
    mls_must(mls_group_drop_own(r->world->founder.group), "drop");
    buf_free(&commit);
}

static void bench_paths(struct run *r)
{
    const struct mls_floor *f = &r->floor;
    bench_path(r, "path_commit_bare", "process_path_bare",
               (r->n - 1) * seal(r) + (levels(r) + 1) * f->base + 2 * f->sign);
    mls_world_fill(r->world);
    bench_path(r, "path_commit_full", "process_path_full",
               levels(r) * (seal(r) + f->base) + f->base + 2 * f->sign);
}

static void bench_add_one(struct run *r)
{
    struct mls_world *w = r->world;
    struct buf commit = {0};
    double best = INFINITY;
    for (int i = 0; i < repeats(r) * 10; i++) {
        mls_must(mls_group_drop_own(w->founder.group), "drop");
        double start = now_us();
        mls_must(mls_group_commit(w->founder.group, &w->extra, 1, NULL, MLS_NOW, &commit),
                 "commit");
        best = fmin(best, now_us() - start);
    }
    line(r, "commit_add_one", best, 2 * r->floor.verify + seal(r) + 2 * r->floor.sign, 0);
    line(r, "process_add_one", process(r, &commit), 3 * r->floor.verify, 0);
    mls_must(mls_group_drop_own(w->founder.group), "drop");
    buf_free(&commit);
}

static void bench_messages(struct run *r)
{
    struct mls_world *w = r->world;
    uint8_t text[100] = {0};
    double sent = INFINITY, read = INFINITY;
    struct buf message = {0};
    for (int i = 0; i < REPEATS_SMALL; i++) {
        struct mls_received received;
        double start = now_us();
        mls_must(mls_group_protect(w->founder.group, bytes_of(NULL, 0), bytes_of(text, sizeof text),
                                   &message),
                 "protect");
        sent = fmin(sent, now_us() - start);
        start = now_us();
        mls_must(mls_group_receive(w->joiner.group, buf_view(&message), MLS_NOW, &received),
                 "receive");
        read = fmin(read, now_us() - start);
        mls_received_free(&received);
    }
    line(r, "protect_100", sent, r->floor.sign, 1.3);
    line(r, "unprotect_100", read, r->floor.verify, 1.3);
    buf_free(&message);
}

static void bench_size(struct run *r)
{
    mls_must(mls_world_new(r->options.suite, r->n, &r->world), "world");
    bench_key_package(r);
    bench_add_all(r);
    bench_join(r);
    bench_memory(r);
    bench_messages(r);
    bench_add_one(r);
    bench_paths(r);
    mls_world_free(r->world);
}

static bool parse(int argc, char **argv, struct mls_options *out)
{
    *out = (struct mls_options){.suite = CRYPTO_P256_AES128GCM_SHA256_P256};
    for (int i = 1; i < argc; i++) {
        bool value = i + 1 < argc;
        if (strcmp(argv[i], "--json") == 0)
            out->json = true;
        else if (strcmp(argv[i], "--quick") == 0)
            out->quick = true;
        else if (value && strcmp(argv[i], "--suite") == 0)
            out->suite = (uint16_t)strtoul(argv[++i], NULL, 0);
        else if (value && strcmp(argv[i], "--members") == 0)
            out->members = (uint32_t)strtoul(argv[++i], NULL, 0);
        else
            return false;
    }
    return out->members != 1 && out->members <= MLS_BENCH_MEMBERS_MAX;
}

int bench_mls(int argc, char **argv)
{
    static const uint32_t sizes[] = {100, 1000, 10000};
    struct run r = {0};
    if (!parse(argc, argv, &r.options)) {
        fprintf(stderr,
                "usage: conclave bench mls [--suite S] [--members N] [--json] [--quick]\n"
                "  S: 1 to 7 (2); N: 2 to %u (100, 1000 and 10000)\n",
                MLS_BENCH_MEMBERS_MAX);
        return 2;
    }
    struct bench_options head = {.json = r.options.json};
    bench_title(&head, "MLS groups: measured, floor, ratio");
    measure_floor(&r);
    if (!r.options.json)
        printf("%-26s %7s %14s %14s %7s\n", "operation", "members", "measured us", "floor us",
               "ratio");
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        r.n = r.options.members != 0 ? r.options.members : sizes[i];
        bench_size(&r);
        if (r.options.members != 0)
            break;
    }
    return 0;
}
