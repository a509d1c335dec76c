/* A media switch that does nothing but write down what it is told: what is around the real one can
 * be shown without packets. It stands in for src/sfu whole, by the linker. */
#ifndef TESTS_UNIT_CMD_FAKE_SFU_H
#define TESTS_UNIT_CMD_FAKE_SFU_H

#include "sfu/sfu.h"

#define FAKE_EVENTS 128
#define FAKE_DATAGRAM 2048
#define FAKE_MEETINGS 16

/* One at a time: the switch's functions have no room for more in their arguments. */
struct sfu {
    char log[8192]; /* a line for each call: its name and its numbers */
    int next_error; /* what the next call that can fail fails with */
    struct sfu_event events[FAKE_EVENTS];
    size_t n_events;
    uint32_t speakers[4];
    size_t n_speakers;
    struct sfu_peer_config config;
    struct rtp_ext_map extensions;
    bool has_extensions;
    struct sfu_track track;
    /* A datagram goes back where it came from. */
    uint8_t datagram[FAKE_DATAGRAM];
    struct sfu_group out;
    bool waits;
    uint32_t meetings[FAKE_MEETINGS]; /* those that are open */
    /* Its numbers, of which `memory` is the last epoch and `refused` counts ticks. */
    struct sfu_stats stats;
};

/* Whether the log is just this; it is empty afterwards. */
bool fake_sfu_said(struct sfu *s, const char *log);
void fake_sfu_event(struct sfu *s, const struct sfu_event *e);

#endif
