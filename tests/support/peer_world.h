/* A server's and a client's media peer, and the network between them: datagrams are lost, doubled,
 * late and out of order, addresses change, and the clock is a number. What is left to chance comes
 * from one seed, but for keys.
 *
 *     peer_world_open(&w, &(struct peer_world_config){.seed = 1, .loss = 10});
 *     peer_world_run(&w, 5 * ICE_SECOND);
 *     peer_world_talk(&w, ...);
 *     peer_world_close(&w);
 */
#ifndef TESTS_SUPPORT_PEER_WORLD_H
#define TESTS_SUPPORT_PEER_WORLD_H

#include "rtc/peer.h"
#include "support/random.h"

#define PEER_WORLD_FLIGHT 512
#define PEER_WORLD_DATAGRAM 1500
#define PEER_WORLD_START UINT64_C(1700000000000000)

struct peer_world_config {
    uint64_t seed;
    unsigned loss, twice;         /* per cent */
    uint64_t delay_us, jitter_us; /* one way */
    enum ice_nomination nomination;
    enum dtls_role server_dtls; /* DTLS_CLIENT is 0: say DTLS_SERVER for the usual */
    bool remote_unknown;        /* the server is not told the client's ICE credentials */
    bool no_ipv4, no_ipv6;      /* the network carries none of it */
    unsigned wrong_fingerprint; /* 1 + the enum peer_role that is told a wrong one; 0: none */
};

struct peer_world_datagram {
    bool used, to_client;
    uint64_t at_us;
    struct rtc_address from, to;
    size_t n;
    uint8_t data[PEER_WORLD_DATAGRAM];
};

/* What became of one of the two, by enum peer_role. */
struct peer_world_side {
    struct peer *peer;
    struct dtls_identity *id;
    unsigned connected, lost, closed; /* effects */
    enum peer_reason reason;
    uint64_t connected_us; /* when it was last */
    unsigned rtp_in, rtcp_in, rtp_out;
    size_t bytes_in, bytes_out; /* with IP and UDP headers */
    uint16_t sequence;
};

struct peer_world {
    struct peer_world_config config;
    struct random random;
    uint64_t now_us;
    struct aead_engine *engine;
    struct rtc_address server[2], client[2]; /* IPv4, IPv6 */
    struct peer_world_side side[2];
    struct peer_world_datagram flight[PEER_WORLD_FLIGHT];
    uint64_t talk_us; /* between two packets of media each way; 0: none are sent */
    uint64_t next_talk_us;
    size_t strangers_bytes; /* sent to addresses that are not, and were not, the client's */
    bool cut;               /* nothing gets through */
    unsigned generation;    /* of ICE credentials */
};

void peer_world_open(struct peer_world *w, const struct peer_world_config *config);
void peer_world_close(struct peer_world *w);

/* Time passes. */
void peer_world_run(struct peer_world *w, uint64_t us);
/* Until both are connected, or so long; whether they are. */
bool peer_world_connect(struct peer_world *w, uint64_t us);
bool peer_world_is_connected(const struct peer_world *w);

/* The client has other addresses from now on. */
void peer_world_move(struct peer_world *w, uint8_t host);
/* Both get new ICE credentials, as signalling would tell them. */
void peer_world_restart(struct peer_world *w);

/* A datagram arrives at the server, from anywhere. Returns what peer_input() said; what the server
 * does thereupon is on its way. */
int peer_world_inject(struct peer_world *w, struct bytes datagram, struct rtc_address from);

#endif
