/* A thread with a media switch and a UDP port of its own. A meeting lives on one worker; what it is
 * told and what it says goes by queues, so that it never waits for another thread.
 */
#ifndef CMD_CONCLAVED_MEDIA_WORKER_H
#define CMD_CONCLAVED_MEDIA_WORKER_H

#include "cmd/conclaved_media_desk.h"
#include "crypto/dtls.h"
#include "net/channel.h"
#include "net/udp.h"

struct media_worker;

/* Messages of members that may wait for a worker, or its for the control thread. At 50 a second and
 * member (docs/PROTOCOL.md section 8) that is a moment of thousands; more is no use when it is
 * late. */
#define MEDIA_QUEUE 16384u
/* Of each worker; what members are told to send to. */
#define MEDIA_ADDRESSES SIGNAL_CANDIDATES_MAX
/* How often a worker's numbers are made known. */
#define MEDIA_PUBLISH_US UINT64_C(250000)

struct media_address {
    uint8_t ip[16];
    uint8_t n; /* 4 or 16 */
};

struct media_worker_config {
    struct net_udp_config udp;
    const struct media_address *addresses; /* 1 to MEDIA_ADDRESSES; looked at once */
    size_t n_addresses;
    struct dtls_identity *identity; /* borrowed; that of all workers */
    struct net_channel *reports;    /* borrowed: where struct media_report goes */
    bool plain_ingest;              /* for benchmarks: see sfu_config; only with udp.loopback */
};

/* ---- To a worker ---- */

enum media_command_kind {
    MEDIA_OPEN = 1, /* the meeting */
    MEDIA_EPOCH,    /* of the meeting */
    MEDIA_HEAR,     /* body, of conn on leaf */
    MEDIA_GONE,     /* conn */
    MEDIA_CLOSE,    /* the meeting */
    MEDIA_STOP,     /* the worker */
};

/* From malloc(); the worker's once it is posted. */
struct media_command {
    struct net_message message; /* first */
    enum media_command_kind kind;
    uint32_t meeting, leaf, leaves;
    uint64_t conn, epoch;
    size_t n;
    uint8_t body[];
};

/* ENOMEM. */
int media_command_new(enum media_command_kind kind, struct bytes body,
                      struct media_command **out) CONCLAVE_CHECKED;

/* ---- From a worker ---- */

/* body, to each of conns. From malloc(); whoever takes it frees it. */
struct media_report {
    struct net_message message; /* first */
    struct bytes body;          /* behind conns */
    size_t n_conns;
    uint64_t conns[];
};

/* ---- Life ---- */

/* EINVAL: the port cannot be had (errno says why), or plain_ingest without udp.loopback. ENOMEM,
 * ECRYPTO, ERANDOM, EINTERNAL. */
int media_worker_new(const struct media_worker_config *config,
                     struct media_worker **out) CONCLAVE_CHECKED;
/* Ends the thread, and all its meetings. */
void media_worker_free(struct media_worker *w);

uint16_t media_worker_port(const struct media_worker *w);

/* false: too many wait, and the command is still the caller's. must: as net_channel_put(). */
bool media_worker_post(struct media_worker *w, struct media_command *c, bool must);

/* ---- Numbers; never content. As of MEDIA_PUBLISH_US ago, when anything happens there ---- */

struct media_worker_stats {
    struct sfu_stats sfu;
    struct net_udp_counters udp;
    struct media_desk_counters desk;
    uint64_t unreported; /* messages to members, for want of memory or room */
};
void media_worker_stats(struct media_worker *w, struct media_worker_stats *out);

/* Of one meeting. ENOTFOUND: there is none, or nothing is known of it yet. */
int media_worker_meeting(struct media_worker *w, uint32_t meeting,
                         struct sfu_meeting_stats *out) CONCLAVE_CHECKED;

#endif
