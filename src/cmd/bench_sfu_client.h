/* One member of bench sfu: a socket, a transport to the switch, and what it says there. */
#ifndef CMD_BENCH_SFU_CLIENT_H
#define CMD_BENCH_SFU_CLIENT_H

#include "cmd/bench_sfu_load.h"
#include "rtc/peer.h"
#include "rtc/transport_cc.h"

#define CLIENT_PT_VIDEO 96
#define CLIENT_PT_RTX 97
#define CLIENT_SSRC 0x10000u
#define CLIENT_UFRAG 8
#define CLIENT_PWD 24
#define CLIENT_DATAGRAM 2048u

enum client_state { CLIENT_OUTSIDE, CLIENT_ASKED, CLIENT_SETTING_UP, CLIENT_IN };

struct client {
    int fd;
    uint16_t port;
    uint32_t leaf; /* and connection; 0 is the sender */
    enum client_state state;
    char ufrag[CLIENT_UFRAG + 1], pwd[CLIENT_PWD + 1];
    struct peer *peer;
    struct rtc_address server;
    uint64_t due_us; /* when the transport wants to be looked at */
    bool key_wanted; /* the sender was asked for a key frame */
    /* of receivers */
    uint64_t received; /* packets of the picture */
    uint64_t feedback_us;
    struct transport_cc_recorder recorder;
};

/* What clients share. */
struct client_shared {
    struct bench_switch *server;
    struct dtls_identity *identity;
    struct aead_engine *engine;
    struct buf out;
};

/* ESTATE: no socket. */
int client_init(struct client *c, uint32_t leaf) CONCLAVE_CHECKED;
void client_fini(struct client *c);

/* Asks the switch for a transport. ENOMEM, ESTATE. */
int client_ask(struct client *c, struct client_shared *s) CONCLAVE_CHECKED;

/* What the switch says to it. */
int client_hear(struct client *c, struct client_shared *s, struct bytes body,
                uint64_t now_us) CONCLAVE_CHECKED;

/* A datagram came. out_rtp: a packet of the picture, opened, is where it lies; empty if it was
 * something else. What is wrong with it is no error. */
int client_input(struct client *c, struct client_shared *s, uint8_t *datagram, size_t n,
                 uint64_t now_us, struct bytes *out_rtp) CONCLAVE_CHECKED;

/* Does what is due. */
int client_tick(struct client *c, struct client_shared *s, uint64_t now_us) CONCLAVE_CHECKED;

#endif
