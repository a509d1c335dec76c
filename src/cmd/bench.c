#include "cmd/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static const struct {
    const char *name, *text;
    int (*run)(int argc, char **argv);
} benches[] = {
    {"meeting", "a large meeting, from its first member to its last", bench_meeting},
    {"mls", "commits, joins and messages of MLS groups", bench_mls},
    {"sframe", "sealing and opening of media frames", bench_sframe},
    {"sfu", "the media switch: what forwarding costs, and how much it can", bench_sfu},
    {"srtp", "sealing and opening of media packets", bench_srtp},
};
#define N_BENCHES (sizeof benches / sizeof benches[0])

int bench_main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < N_BENCHES; i++)
        if (strcmp(argv[1], benches[i].name) == 0)
            return benches[i].run(argc - 1, argv + 1);
    if (argc > 1)
        fprintf(stderr, "conclave bench: there is no bench \"%s\"\n", argv[1]);
    fprintf(stderr, "usage: conclave bench NAME [--json] [--quick]\n");
    for (size_t i = 0; i < N_BENCHES; i++)
        fprintf(stderr, "  %-8s %s\n", benches[i].name, benches[i].text);
    return 2;
}

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double run_once(const struct bench_case *c)
{
    if (c->prepare != NULL)
        c->prepare(c->ctx);
    double start = now_ns();
    c->run(c->ctx);
    return (now_ns() - start) / (double)c->count;
}

void bench_measure(struct bench_case *cases, size_t n, bool quick)
{
    int rounds = quick ? 3 : 600;
    for (size_t i = 0; i < n; i++)
        cases[i].ns = run_once(&cases[i]);
    for (int round = 0; round < rounds; round++)
        for (size_t i = 0; i < n; i++) {
            double ns = run_once(&cases[i]);
            if (ns < cases[i].ns)
                cases[i].ns = ns;
        }
}

double bench_ratio(const struct bench_case *c)
{
    return c->floor == NULL ? 1.0 : c->ns / c->floor->ns;
}

bool bench_options(int argc, char **argv, struct bench_options *out)
{
    *out = (struct bench_options){0};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            out->json = true;
        } else if (strcmp(argv[i], "--quick") == 0) {
            out->quick = true;
        } else {
            fprintf(stderr, "usage: conclave bench %s [--json] [--quick]\n", argv[0]);
            return false;
        }
    }
    return true;
}

static void print_machine(void)
{
    char line[256];
    FILE *f = fopen("/proc/cpuinfo", "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        const char *name = strstr(line, ": ");
        if (strncmp(line, "model name", 10) == 0 && name != NULL) {
            printf("%s", name + 2);
            break;
        }
    }
    if (f != NULL)
        fclose(f);
}

void bench_allow_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

void bench_title(const struct bench_options *o, const char *title)
{
    if (o->json)
        return;
    printf("%s\n", title);
    print_machine();
}

void bench_head(const struct bench_options *o, const char *title)
{
    bench_title(o, title);
    if (o->json)
        return;
    printf("%-14s %-10s %6s %10s %8s %7s\n", "operation", "provider", "bytes", "ns", "GB/s",
           "ratio");
}

void bench_line(const struct bench_options *o, const char *bench, const struct bench_case *c)
{
    double gb = (double)c->bytes / c->ns;
    if (o->json)
        printf("{\"bench\":\"%s\",\"op\":\"%s\",\"bytes\":%zu,\"provider\":\"%s\",\"ns\":%.1f,"
               "\"gb_per_s\":%.2f,\"ratio\":%.3f}\n",
               bench, c->op, c->bytes, c->provider, c->ns, gb, bench_ratio(c));
    else
        printf("%-14s %-10s %6zu %10.1f %8.2f %7.2f\n", c->op, c->provider, c->bytes, c->ns, gb,
               bench_ratio(c));
}

void bench_target(const struct bench_options *o, const char *what, double value, double limit,
                  bool at_least)
{
    bool met = at_least ? value >= limit : value <= limit;
    if (!o->json)
        printf("%-44s %6.2f  (%s %.2f) %s\n", what, value, at_least ? ">=" : "<=", limit,
               met ? "met" : "MISSED");
}
