/* conclave bench sfu: the media switch, by what it costs. The switch has a process and a core to
 * itself; one member who sends and all who receive share another.
 *
 * Other work on the machine only ever adds: each thing is measured several times, and the best
 * counts. What is counted is processor time, but for latency and for the highest rate.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/bench.h"
#include "cmd/bench_sfu_floor.h"

/* docs/BENCHMARKS.md: what is wanted, at 100 receivers of 600 packets/s of 1,200 B in fours. */
#define TARGET_US 1.5
#define TARGET_SINGLY_US 3.2
#define TARGET_PPS 400000.0

/* Beyond that it was not forwarding that was measured. */
#define LOSS_ODD 0.05
#define NEVER 1e9

/* The highest rate: what is lost below that is no loss. Found by steps of a quarter, then finer. */
#define LOSS_MAX 0.001
#define BEHIND_MAX 0.05
#define COARSE_STEP 1.25
#define FINE_STEP 1.06
#define QUICK_STEP 8.0

struct options {
    struct bench_options show;
    unsigned receivers, rate, burst;
    size_t bytes;
    bool plain, singly, whole;
};

struct result {
    bool gso;
    double us, floor_us; /* processor time of a forwarded packet */
    double max_pps, loss, p50_us, p99_us;
    double kb, joins; /* of a participant; a second */
};

struct run {
    struct options options;
    struct bench_switch server;
    struct load *load;
    struct result result;
};

/* ---- The acts; each returns NULL, or what went wrong ---- */

static unsigned times(const struct run *r, unsigned n)
{
    return r->options.show.quick ? 1 : n;
}

static double seconds(const struct run *r, double s)
{
    return r->options.show.quick ? s / 10 : s;
}

static const char *begin(struct run *r, bool offload)
{
    const struct options *o = &r->options;
    const struct bench_switch_config server = {.offload = offload,
                                               .plain = o->plain,
                                               .urgent = !o->show.quick,
                                               .leaves = o->receivers + 1};
    const struct load_config load = {.server = &r->server,
                                     .receivers = o->receivers,
                                     .burst = o->burst,
                                     .bytes = o->bytes,
                                     .offload = offload,
                                     .whole = o->whole && offload,
                                     .plain = o->plain};
    r->result = (struct result){0};
    if (bench_switch_start(&server, &r->server) != 0)
        return "the switch does not start";
    return load_new(&load, &r->load) != 0 ? "there is nobody to meet" : NULL;
}

static void end(struct run *r)
{
    load_free(r->load);
    bench_switch_stop(&r->server);
    r->load = NULL;
}

static const char *everybody_joins(struct run *r)
{
    struct bench_usage before, joined, now;
    double n = r->options.receivers + 1;
    if (bench_switch_usage(&r->server, &before) != 0 || load_join(r->load) != 0 ||
        bench_switch_usage(&r->server, &joined) != 0)
        return "not everybody got in";
    if (load_flow(r->load, r->options.rate) != 0)
        return "not everybody gets the picture";
    if (bench_switch_usage(&r->server, &now) != 0)
        return "the switch is gone";
    r->result.joins = n * 1e9 / (double)(joined.cpu_ns - before.cpu_ns);
    r->result.kb = (double)(now.memory - before.memory) / 1000 / n;
    r->result.gso = now.stats.udp.gso;
    return NULL;
}

/* A run at the usual rate. A picture that was given up meanwhile, because the machine had no time
 * for the switch, comes back before the next. */
static bool run_once(struct run *r, bool stamps, struct load_result *out)
{
    return load_run(r->load, r->options.rate, seconds(r, 2), stamps, out) == 0 &&
           (out->loss < LOSS_ODD || load_flow(r->load, r->options.rate) == 0);
}

/* One that counts is enough if it has to be quick. */
static bool is_enough(const struct run *r, double best)
{
    return r->options.show.quick && best < NEVER;
}

static const char *cost(struct run *r)
{
    struct bench_usage before, now;
    struct load_result x;
    r->result.us = r->result.loss = NEVER;
    for (unsigned i = 0; i < 6 && !is_enough(r, r->result.us); i++) {
        if (bench_switch_usage(&r->server, &before) != 0 || !run_once(r, false, &x) ||
            bench_switch_usage(&r->server, &now) != 0)
            break;
        if (x.loss >= LOSS_ODD)
            continue;
        double us = (double)(now.cpu_ns - before.cpu_ns) / 1000 / (double)x.received;
        r->result.us = us < r->result.us ? us : r->result.us;
        r->result.loss = x.loss < r->result.loss ? x.loss : r->result.loss;
    }
    return r->result.us < NEVER ? NULL : "the switch had no time to forward";
}

static const char *latency(struct run *r)
{
    struct load_result x;
    r->result.p99_us = NEVER;
    for (unsigned i = 0; i < 3 && !is_enough(r, r->result.p99_us); i++) {
        if (!run_once(r, true, &x))
            break;
        if (x.loss < LOSS_ODD && x.p99_us < r->result.p99_us) {
            r->result.p50_us = x.p50_us;
            r->result.p99_us = x.p99_us;
        }
    }
    return r->result.p99_us < NEVER ? NULL : "the switch had no time to forward";
}

static const char *least_work(struct run *r)
{
    const struct options *o = &r->options;
    const struct floor_config config = {.receivers = o->receivers,
                                        .rate = o->rate,
                                        .burst = o->burst,
                                        .bytes = o->bytes,
                                        .offload = r->result.gso,
                                        .urgent = !o->show.quick,
                                        .seconds = seconds(r, 2)};
    double us;
    r->result.floor_us = NEVER;
    for (unsigned i = 0; i < times(r, 4); i++) {
        if (floor_run(&config, r->load, &us) != 0)
            return "the floor cannot be measured";
        r->result.floor_us = us < r->result.floor_us ? us : r->result.floor_us;
    }
    return NULL;
}

/* Whether the switch holds out at this rate; what it forwarded then is noted. A queue that grows is
 * loss that has not happened yet. */
static bool holds(struct run *r, double rate)
{
    for (unsigned i = 0; i < times(r, 3); i++) {
        struct load_result x;
        if (load_run(r->load, (unsigned)rate, seconds(r, 1), false, &x) != 0)
            return false;
        double pps = (double)x.received / (x.seconds + x.behind);
        bool sent = (double)x.sent > 0.98 * rate * x.seconds;
        if (x.loss < LOSS_MAX && sent && x.behind < x.seconds * BEHIND_MAX) {
            r->result.max_pps = pps > r->result.max_pps ? pps : r->result.max_pps;
            return true;
        }
        if (load_flow(r->load, r->options.rate) != 0)
            return false;
    }
    return false;
}

static const char *highest_rate(struct run *r)
{
    bool quick = r->options.show.quick;
    double rate = r->options.rate, step = quick ? QUICK_STEP : COARSE_STEP;
    if (!holds(r, rate))
        return NULL; /* it stays 0, and is told so */
    while (step >= FINE_STEP && rate * step < LOAD_RATE_MAX) {
        if (holds(r, rate * step))
            rate *= step;
        else
            step = step == COARSE_STEP ? FINE_STEP : 1;
    }
    return NULL;
}

static const char *measure(struct run *r, bool offload)
{
    static const char *(*const acts[])(struct run *) = {everybody_joins, cost, latency, least_work,
                                                        highest_rate};
    const char *wrong = begin(r, offload);
    for (size_t i = 0; wrong == NULL && i < sizeof acts / sizeof acts[0]; i++)
        wrong = acts[i](r);
    end(r);
    return wrong;
}

/* ---- Telling ---- */

static void print_numbers(const struct result *x)
{
    printf("\"gso\":%s,\"us_per_packet\":%.3f,\"floor_us\":%.3f,\"ratio\":%.3f,\"max_pps\":%.0f,"
           "\"loss\":%.5f,\"latency_p50_us\":%.0f,\"latency_p99_us\":%.0f,"
           "\"kb_per_participant\":%.1f,\"joins_per_s\":%.0f",
           x->gso ? "true" : "false", x->us, x->floor_us, x->us / x->floor_us, x->max_pps, x->loss,
           x->p50_us, x->p99_us, x->kb, x->joins);
}

/* One object: with offload, and inside it the same without. */
static void print_json(const struct options *o, const struct result *x, size_t n)
{
    printf("{\"bench\":\"sfu\",\"receivers\":%u,\"rate\":%u,\"bytes\":%zu,\"burst\":%u,"
           "\"plain\":%s,\"gro\":%s,",
           o->receivers, o->rate, o->bytes, o->burst, o->plain ? "true" : "false",
           o->whole ? "true" : "false");
    print_numbers(&x[0]);
    if (n == 2) {
        printf(",\"no_gso\":{");
        print_numbers(&x[1]);
        printf("}");
    }
    printf("}\n");
}

static void print_table(const struct options *o, const struct result *x, size_t n)
{
    printf("%u receivers, each %u packets/s of %zu B in bursts of %u%s\n", o->receivers, o->rate,
           o->bytes, o->burst, o->plain ? "; plain RTP comes in" : "");
    for (size_t i = 0; i < n; i++) {
        printf("%s segmentation offload\n", x[i].gso ? "with" : "without");
        printf("  processor of a packet  %8.2f us, floor %.2f, ratio %.2f\n", x[i].us,
               x[i].floor_us, x[i].us / x[i].floor_us);
        printf("  highest rate           %8.0f packets/s\n", x[i].max_pps);
        printf("  loss                   %8.3f %%\n", 100 * x[i].loss);
        printf("  latency                %8.0f us p50, %.0f us p99\n", x[i].p50_us, x[i].p99_us);
        printf("  memory                 %8.0f kB a participant\n", x[i].kb);
        printf("  joins                  %8.0f a second\n", x[i].joins);
    }
}

static void print_targets(const struct options *o, const struct result *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        bench_target(&o->show, x[i].gso ? "us of a packet" : "us of a packet without offload",
                     x[i].us, x[i].gso ? TARGET_US : TARGET_SINGLY_US, false);
    if (x[0].gso)
        bench_target(&o->show, "packets a second", x[0].max_pps, TARGET_PPS, true);
}

/* ---- The command ---- */

static bool number(const char *text, unsigned long least, unsigned long most, unsigned *out)
{
    char *last;
    unsigned long n = strtoul(text, &last, 10);
    if (*text < '0' || *text > '9' || *last != '\0' || n < least || n > most)
        return false;
    *out = (unsigned)n;
    return true;
}

static bool parse_number(const char *name, const char *text, struct options *o)
{
    unsigned bytes;
    if (strcmp(name, "--receivers") == 0)
        return number(text, 1, LOAD_RECEIVERS_MAX, &o->receivers);
    if (strcmp(name, "--rate") == 0)
        return number(text, 1, LOAD_RATE_MAX, &o->rate);
    if (strcmp(name, "--burst") == 0)
        return number(text, 1, LOAD_BURST_MAX, &o->burst);
    if (strcmp(name, "--size") != 0 || !number(text, LOAD_BYTES_MIN, LOAD_BYTES_MAX, &bytes))
        return false;
    o->bytes = bytes;
    return true;
}

static bool parse(int argc, char **argv, struct options *out)
{
    *out = (struct options){.receivers = 100, .rate = 600, .bytes = 1200, .burst = 4};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            out->show.json = true;
        else if (strcmp(argv[i], "--quick") == 0)
            out->show.quick = true;
        else if (strcmp(argv[i], "--plain") == 0)
            out->plain = true;
        else if (strcmp(argv[i], "--no-gso") == 0)
            out->singly = true;
        else if (strcmp(argv[i], "--gro") == 0)
            out->whole = true;
        else if (i + 1 == argc || !parse_number(argv[i], argv[i + 1], out))
            return false;
        else
            i++;
    }
    return true;
}

int bench_sfu(int argc, char **argv)
{
    struct run r = {0};
    struct result results[2];
    size_t n = 0;
    const char *wrong = NULL;
    if (!parse(argc, argv, &r.options)) {
        fprintf(stderr,
                "usage: conclave bench sfu [--receivers N] [--rate PPS] [--size B] [--burst K]\n"
                "                          [--no-gso] [--gro] [--plain] [--json] [--quick]\n"
                "  100 receivers get 600 packets/s of 1200 B in bursts of 4 each\n"
                "  --no-gso  only without segmentation offload\n"
                "  --gro     receivers take bursts in one piece, so that nobody cuts them here\n"
                "  --plain   the sender's RTP is not protected, as other switches take it\n");
        return 2;
    }
    bench_allow_files();
    bench_settle(BENCH_LOAD_CORE, !r.options.show.quick);
    bench_title(&r.options.show, "The media switch, on a core of its own");
    for (int singly = r.options.singly; wrong == NULL && singly < 2; singly++) {
        wrong = measure(&r, singly == 0);
        results[n++] = r.result;
    }
    if (wrong != NULL)
        fprintf(stderr, "conclave bench sfu: %s\n", wrong);
    else if (r.options.show.json)
        print_json(&r.options, results, n);
    else {
        print_table(&r.options, results, n);
        print_targets(&r.options, results, n);
    }
    return wrong == NULL ? 0 : 1;
}
