/* The media switch that bench sfu measures: the worker of conclaved (cmd/conclaved_media_worker.h),
 * in a process of its own on a core of its own, so that what it costs is what that process costs.
 * Its members speak to it through a socket instead of the meeting server.
 */
#ifndef CMD_BENCH_SFU_SWITCH_H
#define CMD_BENCH_SFU_SWITCH_H

#include <sys/types.h>

#include "cmd/conclaved_media_worker.h"

/* Where the switch runs, and where all else does; on a machine of one core both are there. */
#define BENCH_SWITCH_CORE 0
#define BENCH_LOAD_CORE 1

/* The one meeting there is. */
#define BENCH_MEETING 1u
#define BENCH_EPOCH 1u

struct bench_switch {
    pid_t pid;
    int fd;
};

struct bench_switch_config {
    bool offload;    /* UDP_SEGMENT and UDP_GRO */
    bool plain;      /* takes RTP that nobody protected */
    bool urgent;     /* see bench_settle() */
    uint32_t leaves; /* of the meeting's group */
};

/* ESTATE: no process, or no switch in it. */
int bench_switch_start(const struct bench_switch_config *config,
                       struct bench_switch *out) CONCLAVE_CHECKED;
/* Nothing happens to one that was not started. */
void bench_switch_stop(struct bench_switch *s);

/* A member's message (signal/media.h). ESTATE: the switch is gone. */
int bench_switch_tell(struct bench_switch *s, uint64_t conn, uint32_t leaf,
                      struct bytes body) CONCLAVE_CHECKED;

/* A message to a member. */
struct bench_word {
    uint64_t conn;
    size_t n;
    uint8_t body[2 * SIGNAL_MEDIA_MAX];
};
/* false: there is none yet. */
bool bench_switch_hear(struct bench_switch *s, struct bench_word *out);

struct bench_usage {
    uint64_t cpu_ns; /* of the process, kernel included */
    uint64_t memory; /* resident bytes */
    struct media_worker_stats stats;
};
/* Waits for the answer; words that come before it are lost, so ask when none are expected. */
int bench_switch_usage(struct bench_switch *s, struct bench_usage *out) CONCLAVE_CHECKED;

/* This process stays on that core. urgent: it goes before others if it may, so that what else the
 * machine does disturbs less; the system keeps a twentieth of the time for those. */
void bench_settle(unsigned core, bool urgent);

#endif
