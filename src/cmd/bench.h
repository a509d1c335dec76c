/* Benchmarks: a table of them, and what they share. */
#ifndef CMD_BENCH_H
#define CMD_BENCH_H

#include <stdbool.h>
#include <stddef.h>

/* A subcommand: gets its own name as argv[0]; returns what the program exits with. */
int bench_main(int argc, char **argv);

int bench_sframe(int argc, char **argv);
int bench_srtp(int argc, char **argv);
int bench_mls(int argc, char **argv);
int bench_meeting(int argc, char **argv);
int bench_sfu(int argc, char **argv);

/* One thing that is measured. prepare() is not timed; run() is, and does `count` operations. */
struct bench_case {
    const char *op, *provider;
    size_t bytes; /* of one operation */
    size_t count;
    void (*prepare)(void *ctx); /* may be NULL */
    void (*run)(void *ctx);
    void *ctx;
    const struct bench_case *floor; /* what the ratio is taken to; NULL: itself */
    double ns;                      /* out: of one operation */
};

/* Runs all cases in turn, many times over, and keeps each one's fastest run: what else the machine
 * does only ever adds, and hits all of them. quick: a few times only. */
void bench_measure(struct bench_case *cases, size_t n, bool quick);

double bench_ratio(const struct bench_case *c);

/* As many files as the system allows: who has many connections has one for each. */
void bench_allow_files(void);

struct bench_options {
    bool json, quick;
};

/* --json and --quick. Complains and returns false about anything else. */
bool bench_options(int argc, char **argv, struct bench_options *out);

/* The machine and the columns; nothing with --json. Then a line for each case, and one for each
 * target with whether it was met. */
void bench_title(const struct bench_options *o, const char *title);
void bench_head(const struct bench_options *o, const char *title);
void bench_line(const struct bench_options *o, const char *bench, const struct bench_case *c);
void bench_target(const struct bench_options *o, const char *what, double value, double limit,
                  bool at_least);

#endif
