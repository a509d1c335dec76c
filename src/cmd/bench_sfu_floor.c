#include "cmd/bench_sfu_floor.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "crypto/aead.h"
#include "rtc/rtp.h"
#include "rtc/srtp.h"

/* Groups of one call, as the worker has them. */
#define GROUPS 64u
#define KEY 32

struct floor {
    struct floor_config config;
    struct net_udp *udp;
    struct aead_engine *engine;
    struct srtp **sessions;
    struct net_udp_group *groups;
    uint8_t *packets; /* of one receiver after the other: a frame */
    size_t size;      /* of a packet */
    uint16_t sequence;
};

static int session_new(struct floor *f, unsigned i)
{
    const uint8_t key[KEY] = {(uint8_t)i, (uint8_t)(i >> 8)}, salt[SRTP_SALT] = {0};
    return srtp_new(f->engine, SRTP_AEAD_AES_256_GCM, SRTP_SEALING, bytes_of(key, sizeof key),
                    bytes_of(salt, sizeof salt), &f->sessions[i]);
}

static int floor_init(struct floor *f, const struct load *load)
{
    const struct net_udp_config udp = {.loopback = true, .no_offload = !f->config.offload};
    size_t frame = f->config.burst * f->size, n = f->config.receivers;
    f->sessions = calloc(n, sizeof *f->sessions);
    f->groups = calloc(n, sizeof *f->groups);
    f->packets = malloc(n * frame);
    int rv = f->sessions == NULL || f->groups == NULL || f->packets == NULL ? CONCLAVE_ENOMEM : 0;
    if (rv == 0)
        rv = net_udp_open(&udp, &f->udp);
    if (rv == 0)
        rv = aead_engine_new(AEAD_BEST, &f->engine);
    for (unsigned i = 0; rv == 0 && i < n; i++) {
        struct rtc_address to = load_address(load, i);
        f->groups[i] = (struct net_udp_group){.to = {.family = NET_UDP_IPV4, .port = to.port},
                                              .p = f->packets + i * frame,
                                              .n = frame,
                                              .segment = (uint16_t)f->size};
        memcpy(f->groups[i].to.ip, to.ip, sizeof to.ip);
        rv = session_new(f, i);
    }
    return rv;
}

/* One packet of the frame, for all receivers. */
static size_t seal_packet(struct floor *f, unsigned k)
{
    uint8_t payload[LOAD_BYTES_MAX] = {0};
    struct srtp_job jobs[LOAD_RECEIVERS_MAX];
    size_t n = f->config.receivers;
    for (size_t i = 0; i < n; i++) {
        uint8_t *at = f->packets + (i * f->config.burst + k) * f->size;
        at[0] = RTP_VERSION << 6;
        rtp_set_payload_type(at, 96);
        rtp_set_sequence(at, f->sequence);
        jobs[i] = (struct srtp_job){f->sessions[i], at, RTP_HEADER_SIZE, f->size, 0, 0};
    }
    f->sequence++;
    return srtp_seal_each(jobs, n, bytes_of(payload, f->config.bytes - RTP_HEADER_SIZE));
}

static bool send_frame(struct floor *f)
{
    size_t n = f->config.receivers;
    for (unsigned k = 0; k < f->config.burst; k++)
        if (seal_packet(f, k) != n)
            return false;
    for (size_t i = 0; i < n; i += GROUPS)
        net_udp_send(f->udp, f->groups + i, n - i < GROUPS ? n - i : GROUPS);
    return true;
}

static uint64_t now_ns(clockid_t clock)
{
    struct timespec t = {0};
    (void)clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void sleep_until(uint64_t ns)
{
    struct timespec t = {(time_t)(ns / 1000000000), (long)(ns % 1000000000)};
    (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

/* At the same pace, so that caches are as warm and as cold. */
static double measure(struct floor *f)
{
    uint64_t step = f->config.burst * UINT64_C(1000000000) / f->config.rate, packets = 0;
    uint64_t begin = now_ns(CLOCK_MONOTONIC), cpu = now_ns(CLOCK_PROCESS_CPUTIME_ID);
    for (uint64_t at = begin; at < begin + (uint64_t)(f->config.seconds * 1e9); at += step) {
        sleep_until(at);
        if (!send_frame(f))
            return 0;
        packets += (uint64_t)f->config.burst * f->config.receivers;
    }
    return (double)(now_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu) / 1000 / (double)packets;
}

_Noreturn static void become_floor(const struct floor_config *config, const struct load *load,
                                   int fd)
{
    struct floor f = {.config = *config, .size = config->bytes + SRTP_OVERHEAD};
    double us = 0;
    bench_settle(BENCH_SWITCH_CORE, config->urgent);
    if (floor_init(&f, load) == 0)
        us = measure(&f);
    _exit(write(fd, &us, sizeof us) == sizeof us ? 0 : 1); /* the rest goes with the process */
}

int floor_run(const struct floor_config *config, struct load *load, double *out_us)
{
    int fds[2];
    double us = 0;
    if (pipe(fds) != 0)
        return CONCLAVE_ESTATE;
    pid_t pid = fork();
    if (pid == 0)
        become_floor(config, load, fds[1]);
    (void)close(fds[1]);
    if (pid > 0)
        (void)load_drain(load, fds[0]);
    bool told = pid > 0 && read(fds[0], &us, sizeof us) == sizeof us && us > 0;
    (void)close(fds[0]);
    if (pid > 0)
        (void)waitpid(pid, NULL, 0);
    if (!told)
        return CONCLAVE_ESTATE;
    *out_us = us;
    return 0;
}
