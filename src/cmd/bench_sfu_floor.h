/* What bench sfu compares with: SRTP sealing and sending of the same packets to the same sockets,
 * grouped in the same way, on the same core, and nothing else.
 */
#ifndef CMD_BENCH_SFU_FLOOR_H
#define CMD_BENCH_SFU_FLOOR_H

#include "cmd/bench_sfu_load.h"

struct floor_config {
    unsigned receivers, rate, burst;
    size_t bytes;
    bool offload, urgent;
    double seconds;
};

/* Processor time of one packet. ESTATE: no process, or nothing came of it. */
int floor_run(const struct floor_config *config, struct load *load,
              double *out_us) CONCLAVE_CHECKED;

#endif
