#include "cmd/bench_sfu_switch.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* What waits on the way between the processes: some words for each of a thousand members. */
#define PIPE_BYTES (8 << 20)

/* What goes between the processes. */
enum message_kind { TELL = 1, SAID, ASK_USAGE, USAGE };

struct message {
    enum message_kind kind;
    uint32_t leaf;
    uint64_t conn;
    union {
        uint8_t body[2 * SIGNAL_MEDIA_MAX];
        struct bench_usage usage;
    };
};
#define MESSAGE_HEAD offsetof(struct message, body)

void bench_settle(unsigned core, bool urgent)
{
    const struct sched_param lowest = {.sched_priority = sched_get_priority_min(SCHED_RR)};
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    (void)sched_setaffinity(0, sizeof set, &set); /* there may be fewer */
    if (urgent && sched_setscheduler(0, SCHED_RR, &lowest) != 0)
        (void)setpriority(PRIO_PROCESS, 0, -20);
}

static bool message_send(int fd, const struct message *m, size_t body)
{
    ssize_t n;
    do
        n = send(fd, m, MESSAGE_HEAD + body, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n >= 0;
}

/* The bytes of its body; negative: none came, or the other end is gone. */
static ssize_t message_receive(int fd, struct message *m, int flags)
{
    ssize_t n;
    do
        n = recv(fd, m, sizeof *m, flags);
    while (n < 0 && errno == EINTR);
    return n - (ssize_t)MESSAGE_HEAD;
}

/* ---- In the switch's process ---- */

struct server {
    int fd;
    struct dtls_identity *identity;
    struct net_channel *reports;
    struct media_worker *worker;
};

static void post(struct server *s, enum media_command_kind kind, const struct message *m, size_t n,
                 uint32_t leaves)
{
    struct media_command *c;
    if (media_command_new(kind, bytes_of(m->body, n), &c) != 0)
        return;
    c->meeting = BENCH_MEETING;
    c->epoch = BENCH_EPOCH;
    c->leaves = leaves;
    c->conn = m->conn;
    c->leaf = m->leaf;
    (void)media_worker_post(s->worker, c, true);
}

static int server_init(struct server *s, const struct bench_switch_config *config)
{
    const struct media_address here = {.ip = {127, 0, 0, 1}, .n = 4};
    const struct message nobody = {0};
    struct media_worker_config c = {
        .udp = {.loopback = true, .no_offload = !config->offload},
        .addresses = &here,
        .n_addresses = 1,
        .plain_ingest = config->plain,
    };
    int rv = dtls_identity_new((uint64_t)time(NULL) * 1000000, &s->identity);
    if (rv == 0)
        rv = net_channel_new(MEDIA_QUEUE, &s->reports);
    c.identity = s->identity;
    c.reports = s->reports;
    if (rv == 0)
        rv = media_worker_new(&c, &s->worker);
    if (rv != 0)
        return rv;
    post(s, MEDIA_OPEN, &nobody, 0, 0);
    post(s, MEDIA_EPOCH, &nobody, 0, config->leaves);
    return 0;
}

static void free_reports(struct net_channel *reports)
{
    for (struct net_message *m = net_channel_take(reports), *next; m != NULL; m = next) {
        next = m->next;
        free(m); /* what it is the first member of */
    }
}

static void server_fini(struct server *s)
{
    media_worker_free(s->worker);
    if (s->reports != NULL)
        free_reports(s->reports);
    net_channel_free(s->reports);
    dtls_identity_free(s->identity);
}

static void pass_on(const struct server *s, const struct media_report *r)
{
    struct message m = {.kind = SAID};
    if (r->body.n > sizeof m.body)
        return;
    memcpy(m.body, r->body.p, r->body.n);
    for (size_t i = 0; i < r->n_conns; i++) {
        m.conn = r->conns[i];
        (void)message_send(s->fd, &m, r->body.n); /* if that fails, so does the next receive */
    }
}

static void pass_all_on(const struct server *s)
{
    for (struct net_message *m = net_channel_take(s->reports), *next; m != NULL; m = next) {
        next = m->next;
        pass_on(s, (const struct media_report *)m); /* the message is its first member */
        free(m);
    }
}

static uint64_t resident_bytes(void)
{
    unsigned long long size = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (f != NULL && fscanf(f, "%llu %llu", &size, &resident) != 2) /* NOLINT(cert-err34-c) */
        resident = 0;
    if (f != NULL)
        fclose(f);
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void tell_usage(const struct server *s)
{
    struct message m = {.kind = USAGE};
    struct timespec t = {0};
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    m.usage.cpu_ns = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
    m.usage.memory = resident_bytes();
    media_worker_stats(s->worker, &m.usage.stats);
    (void)message_send(s->fd, &m, sizeof m.usage);
}

static void serve(struct server *s)
{
    struct message m;
    for (;;) {
        struct pollfd fds[2] = {{.fd = s->fd, .events = POLLIN},
                                {.fd = net_channel_fd(s->reports), .events = POLLIN}};
        (void)poll(fds, 2, -1);
        if (fds[1].revents != 0)
            pass_all_on(s);
        if (fds[0].revents == 0)
            continue;
        ssize_t n = message_receive(s->fd, &m, 0);
        if (n < 0)
            return;
        if (m.kind == ASK_USAGE)
            tell_usage(s);
        else
            post(s, MEDIA_HEAR, &m, (size_t)n, 0);
    }
}

_Noreturn static void become_switch(int fd, const struct bench_switch_config *config)
{
    struct server s = {.fd = fd};
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    bench_settle(BENCH_SWITCH_CORE, config->urgent);
    int rv = server_init(&s, config);
    if (rv == 0)
        serve(&s);
    server_fini(&s);
    _exit(rv == 0 ? 0 : 1);
}

/* ---- In the other ---- */

int bench_switch_start(const struct bench_switch_config *config, struct bench_switch *out)
{
    struct bench_usage usage;
    const int room = PIPE_BYTES;
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
        return CONCLAVE_ESTATE;
    for (size_t i = 0; i < 2; i++)
        if (setsockopt(fds[i], SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room) != 0)
            (void)setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    struct bench_switch s = {.pid = fork(), .fd = fds[0]};
    if (s.pid == 0) {
        (void)close(fds[0]);
        become_switch(fds[1], config);
    }
    (void)close(fds[1]);
    if (s.pid > 0 && bench_switch_usage(&s, &usage) == 0) { /* it answers once it is there */
        *out = s;
        return 0;
    }
    bench_switch_stop(&s);
    return CONCLAVE_ESTATE;
}

void bench_switch_stop(struct bench_switch *s)
{
    if (s->pid == 0)
        return;
    (void)close(s->fd);
    if (s->pid > 0)
        (void)waitpid(s->pid, NULL, 0);
    *s = (struct bench_switch){0};
}

int bench_switch_tell(struct bench_switch *s, uint64_t conn, uint32_t leaf, struct bytes body)
{
    struct message m = {.kind = TELL, .conn = conn, .leaf = leaf};
    if (body.n > sizeof m.body)
        return CONCLAVE_EINVAL;
    memcpy(m.body, body.p, body.n);
    return message_send(s->fd, &m, body.n) ? 0 : CONCLAVE_ESTATE;
}

bool bench_switch_hear(struct bench_switch *s, struct bench_word *out)
{
    struct message m;
    ssize_t n = message_receive(s->fd, &m, MSG_DONTWAIT);
    if (n < 0 || m.kind != SAID)
        return false;
    out->conn = m.conn;
    out->n = (size_t)n;
    memcpy(out->body, m.body, out->n);
    return true;
}

int bench_switch_usage(struct bench_switch *s, struct bench_usage *out)
{
    struct message m = {.kind = ASK_USAGE};
    if (!message_send(s->fd, &m, 0))
        return CONCLAVE_ESTATE;
    do
        if (message_receive(s->fd, &m, 0) < 0)
            return CONCLAVE_ESTATE;
    while (m.kind != USAGE);
    *out = m.usage;
    return 0;
}
