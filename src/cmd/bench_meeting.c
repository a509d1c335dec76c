/* conclave bench meeting: a large meeting from its first member to its last, over real WebSockets,
 * against the real server. The members live in this process and join as fast as they can.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd/bench.h"
#include "cmd/bench_meeting_crowd.h"
#include "cmd/bench_meeting_world.h"
#include "signal/reason.h"

#define SECOND UINT64_C(1000000)

#define MEMBERS_LEAST 3
#define MEMBERS_MOST 1000 /* what conclaved lets into a meeting unless it is told otherwise */
#define MEMBERS_USUAL 100

/* Until it is given up: many times what a slow machine needs. */
#define PATIENCE_US(members) ((30 + (uint64_t)(members) / 4) * SECOND)

/* docs/PROTOCOL.md section 5, Gardening: once it has been quiet for 5 seconds, each block of 256 a
 * second later. */
#define GARDEN_BLOCK 256
#define GARDEN_US(members) ((7 + (uint64_t)(members) / GARDEN_BLOCK) * SECOND)

struct options {
    struct bench_options show;
    size_t members;
};

struct result {
    double seconds, server_cpu, own_cpu;
    uint64_t epochs;
    uint64_t join_most, join_median;
    uint64_t delay_p50_us, delay_p99_us;
    uint64_t garden_epochs, garden_most;
    uint64_t leave_most, enter_most;
    double server_mb, member_kb;
    bool agrees;
};

struct run {
    struct options options;
    struct world world;
    struct crowd crowd;
    struct result result;
};

static uint64_t unix_now(void)
{
    return (uint64_t)time(NULL);
}

static size_t memory_in_use(void)
{
    struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
}

/* ---- The acts; each returns NULL, or what went wrong ---- */

static const char *why(const struct crowd *c, const char *what)
{
    for (size_t i = 0; i < c->n_entered; i++)
        if (c->members[i].over && c->members[i].ended != REASON_LEFT)
            return reason_text(c->members[i].ended);
    return what;
}

static const char *found(struct run *r)
{
    struct crowd *c = &r->crowd;
    if (crowd_enter(c, 1) != 0 ||
        !crowd_until(c, PATIENCE_US(r->options.members), crowd_is_together))
        return why(c, "the meeting cannot be founded");
    return NULL;
}

static const char *everybody_joins(struct run *r)
{
    struct crowd *c = &r->crowd;
    size_t memory = memory_in_use();
    double own = world_own_usage().cpu_seconds;
    double server = world_server_usage(&r->world).cpu_seconds;
    uint64_t began_us = net_loop_now(c->loop), last_us = began_us;
    if (crowd_enter(c, r->options.members - 1) != 0 ||
        !crowd_until(c, PATIENCE_US(r->options.members), crowd_is_together))
        return why(c, "not everybody is in");
    for (size_t i = 0; i < c->n_entered; i++)
        last_us = c->members[i].joined_us > last_us ? c->members[i].joined_us : last_us;
    r->result.seconds = (double)(last_us - began_us) / (double)SECOND;
    r->result.own_cpu = world_own_usage().cpu_seconds - own;
    r->result.server_cpu = world_server_usage(&r->world).cpu_seconds - server;
    r->result.member_kb = (double)(memory_in_use() - memory) / 1024 / (double)c->n_entered;
    r->result.epochs = c->latest;
    crowd_bytes(c, &r->result.join_most, &r->result.join_median);
    crowd_delays(c, &r->result.delay_p50_us, &r->result.delay_p99_us);
    r->result.agrees = crowd_agrees(c);
    return NULL;
}

static bool garden_is_done(const struct crowd *c)
{
    return crowd_is_together(c) && net_loop_now(c->loop) - c->changed_us > GARDEN_US(c->n_entered);
}

/* Large meetings fill their tree once they are quiet: that is paid for once, by all. */
static const char *tree_is_filled(struct run *r)
{
    struct crowd *c = &r->crowd;
    uint64_t median;
    if (r->options.show.quick || r->options.members <= GARDEN_BLOCK)
        return NULL;
    crowd_mark(c);
    if (!crowd_until(c, PATIENCE_US(r->options.members), garden_is_done))
        return why(c, "the tree does not come to rest");
    r->result.garden_epochs = c->latest - r->result.epochs;
    crowd_bytes(c, &r->result.garden_most, &median);
    return NULL;
}

static const char *one_leaves(struct run *r)
{
    struct crowd *c = &r->crowd;
    struct crowd_member *m = &c->members[c->n_entered / 2];
    const struct join_command leave = {.verb = JOIN_LEAVE};
    uint64_t median;
    crowd_mark(c);
    c->wanted = c->latest + 1;
    if (join_session_do(m->session, &leave, NULL) != 0 ||
        !crowd_until(c, PATIENCE_US(r->options.members), crowd_is_together))
        return why(c, "one wants to leave, and is still there");
    crowd_bytes(c, &r->result.leave_most, &median);
    return NULL;
}

static const char *one_joins(struct run *r)
{
    struct crowd *c = &r->crowd;
    uint64_t median;
    crowd_mark(c);
    c->wanted = c->latest + 1;
    if (crowd_enter(c, 1) != 0 ||
        !crowd_until(c, PATIENCE_US(r->options.members), crowd_is_together))
        return why(c, "one wants to join, and is not there");
    crowd_bytes(c, &r->result.enter_most, &median);
    r->result.agrees = r->result.agrees && crowd_agrees(c);
    return NULL;
}

static const char *prepare(struct run *r)
{
    struct world *w = &r->world;
    struct join_credential *organiser = &w->organiser.credential;
    if (world_init(w, unix_now()) != 0)
        return "there is nothing to meet in";
    const struct crowd_origin from = {w->ca, buf_view(&w->root), WORLD_DOMAIN};
    int rv = crowd_init(&r->crowd, r->options.members + 1, &from, unix_now());
    if (rv == 0)
        rv = crowd_set_link(&r->crowd, (const char *)w->link.p);
    if (rv != 0)
        return conclave_error_text(rv);
    crowd_replace(&r->crowd, 0, organiser->signer, &organiser->certificate.chain[0]);
    organiser->signer = NULL;
    return NULL;
}

static const char *play(struct run *r)
{
    static const char *(*const acts[])(struct run *) = {
        prepare, found, everybody_joins, tree_is_filled, one_leaves, one_joins,
    };
    const char *wrong = NULL;
    for (size_t i = 0; wrong == NULL && i < sizeof acts / sizeof acts[0]; i++)
        wrong = acts[i](r);
    r->result.server_mb = world_server_usage(&r->world).peak_mb;
    return wrong;
}

/* ---- Telling ---- */

static double kb(uint64_t bytes)
{
    return (double)bytes / 1000;
}

static double ms(uint64_t us)
{
    return (double)us / 1000;
}

static uint64_t after_most(const struct result *x)
{
    return x->leave_most > x->enter_most ? x->leave_most : x->enter_most;
}

static void print_json(const struct run *r)
{
    const struct result *x = &r->result;
    printf("{\"bench\":\"meeting\",\"members\":%zu,\"seconds_all_joined\":%.3f,\"epochs\":%llu,"
           "\"join_bytes_max\":%llu,\"join_bytes_median\":%llu,\"after_bytes_max\":%llu,"
           "\"leave_bytes_max\":%llu,\"enter_bytes_max\":%llu,\"garden_epochs\":%llu,"
           "\"garden_bytes_max\":%llu,\"admit_to_joined_p50_ms\":%.1f,"
           "\"admit_to_joined_p99_ms\":%.1f,\"server_cpu_s\":%.2f,\"participants_cpu_s\":%.2f,"
           "\"server_rss_mb\":%.1f,\"participant_kb\":%.0f,\"warnings\":%zu,"
           "\"signatures_shared\":true,\"codes_equal\":%s}\n",
           r->options.members, x->seconds, (unsigned long long)x->epochs,
           (unsigned long long)x->join_most, (unsigned long long)x->join_median,
           (unsigned long long)after_most(x), (unsigned long long)x->leave_most,
           (unsigned long long)x->enter_most, (unsigned long long)x->garden_epochs,
           (unsigned long long)x->garden_most, ms(x->delay_p50_us), ms(x->delay_p99_us),
           x->server_cpu, x->own_cpu, x->server_mb, x->member_kb, r->crowd.warnings,
           x->agrees ? "true" : "false");
}

static void print_table(const struct run *r)
{
    const struct result *x = &r->result;
    printf("%zu members; signatures are verified once in the process that holds them all\n",
           r->options.members);
    printf("all in                %8.2f s, %llu epochs\n", x->seconds,
           (unsigned long long)x->epochs);
    printf("accepted to joined    %8.0f ms p50, %.0f ms p99\n", ms(x->delay_p50_us),
           ms(x->delay_p99_us));
    printf("processor             %8.2f s server, %.2f s all participants\n", x->server_cpu,
           x->own_cpu);
    printf("memory                %8.1f MB server at its peak, %.0f kB a participant\n",
           x->server_mb, x->member_kb);
    printf("downloaded to join    %8.0f kB at most, %.0f kB median\n", kb(x->join_most),
           kb(x->join_median));
    if (x->garden_epochs != 0)
        printf("to fill the tree      %8.0f kB at most, %llu epochs\n", kb(x->garden_most),
               (unsigned long long)x->garden_epochs);
    printf("when one leaves       %8.1f kB at most\n", kb(x->leave_most));
    printf("when one joins        %8.1f kB at most\n", kb(x->enter_most));
    printf("security codes        %8s\n", x->agrees ? "equal" : "DIFFERENT");
}

static void print_targets(const struct run *r)
{
    const struct bench_options *o = &r->options.show;
    const struct result *x = &r->result;
    bench_target(o, "seconds until all are in", x->seconds, r->options.members <= 100 ? 2 : 30,
                 false);
    bench_target(o, "epochs", (double)x->epochs, 20, false);
    bench_target(o, "kB when one leaves or joins", kb(after_most(x)), 100, false);
    bench_target(o, "MB of memory of the server", x->server_mb, 200, false);
}

/* ---- The command ---- */

static bool parse(int argc, char **argv, struct options *out)
{
    *out = (struct options){.members = MEMBERS_USUAL};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            out->show.json = true;
        else if (strcmp(argv[i], "--quick") == 0)
            out->show.quick = true;
        else if (strcmp(argv[i], "--members") == 0 && i + 1 < argc)
            out->members = strtoul(argv[++i], NULL, 10);
        else
            return false;
    }
    return out->members >= MEMBERS_LEAST && out->members <= MEMBERS_MOST;
}

int bench_meeting(int argc, char **argv)
{
    struct run r = {0};
    if (!parse(argc, argv, &r.options)) {
        fprintf(stderr,
                "usage: conclave bench meeting [--members N] [--json] [--quick]\n"
                "  N: %d to %d (%d)\n",
                MEMBERS_LEAST, MEMBERS_MOST, MEMBERS_USUAL);
        return 2;
    }
    bench_allow_files();
    bench_title(&r.options.show, "A meeting: server and members over WebSockets on this machine");
    const char *wrong = play(&r);
    if (wrong != NULL)
        fprintf(stderr, "conclave bench meeting: %s\n", wrong);
    else if (r.options.show.json)
        print_json(&r);
    else {
        print_table(&r);
        print_targets(&r);
    }
    bool good = wrong == NULL && r.result.agrees;
    crowd_fini(&r.crowd);
    world_fini(&r.world);
    return good ? 0 : 1;
}
