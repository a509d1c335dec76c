/* The load of bench sfu: one member who sends a picture and others who receive it, each over a
 * socket, ICE, DTLS and SRTP of its own; one thread. It looks for packets by the clock: nobody has
 * to be woken when one is there, which on loopback the switch would pay for.
 *
 * The sender sends frames of `burst` packets. Receivers open every packet, and tell arrivals
 * (transport-wide feedback) as participants do; what is lost they do not ask for again, so that
 * loss is seen as it is.
 */
#ifndef CMD_BENCH_SFU_LOAD_H
#define CMD_BENCH_SFU_LOAD_H

#include "cmd/bench_sfu_switch.h"
#include "rtc/address.h"

#define LOAD_RECEIVERS_MAX 1000u
#define LOAD_BURST_MAX 32u
/* Of RTP packets before SRTP: room for headers and a time, and what the switch takes. */
#define LOAD_BYTES_MIN 100u
#define LOAD_BYTES_MAX 1360u
#define LOAD_RATE_MAX 100000u

struct load_config {
    struct bench_switch *server; /* borrowed */
    unsigned receivers;          /* 1 to LOAD_RECEIVERS_MAX */
    unsigned burst;              /* packets of a frame, sent at once */
    size_t bytes;                /* of a packet */
    bool offload;                /* a frame goes out in one piece (UDP_SEGMENT) */
    bool whole;                  /* receivers take a burst in one piece (UDP_GRO) */
    bool plain;                  /* the sender's packets go unprotected */
};

struct load;

/* ENOMEM, ECRYPTO; ESTATE: no sockets. */
int load_new(const struct load_config *config, struct load **out) CONCLAVE_CHECKED;
void load_free(struct load *l);

/* All come in, many at a time. ESTATE: not all got in. */
int load_join(struct load *l) CONCLAVE_CHECKED;

/* Sends `rate` packets a second until everybody gets them all. ESTATE: somebody never does. */
int load_flow(struct load *l, unsigned rate) CONCLAVE_CHECKED;

struct load_result {
    uint64_t sent;         /* packets */
    uint64_t received;     /* by all receivers together */
    double seconds;        /* of sending */
    double behind;         /* seconds after that in which some still came */
    double loss;           /* share of what should have been received */
    double p50_us, p99_us; /* from the sender's call to the receiver's socket; stamps only */
};

/* Sends so many packets a second for so long, then waits for the last. stamps: let the system note
 * when a packet came to its socket; that costs, so not where cost is measured. */
int load_run(struct load *l, unsigned rate, double seconds, bool stamps,
             struct load_result *out) CONCLAVE_CHECKED;

/* For who else sends to the receivers' sockets: where they are; and takes what comes until the
 * descriptor can be read. Returns how many datagrams that were. */
struct rtc_address load_address(const struct load *l, unsigned receiver);
uint64_t load_drain(struct load *l, int fd);

#endif
