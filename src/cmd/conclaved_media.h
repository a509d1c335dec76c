/* The media switch of conclaved: workers, and on the control thread who is where. Everything here
 * is called on the control thread, and says what there is to say there.
 */
#ifndef CMD_CONCLAVED_MEDIA_H
#define CMD_CONCLAVED_MEDIA_H

#include "cmd/conclaved_media_worker.h"
#include "net/loop.h"

#define MEDIA_WORKERS 64u
#define MEDIA_NUMBER 16 /* a meeting's number, with its terminator */

struct media;

struct media_config {
    struct net_loop *loop; /* borrowed */
    unsigned workers;      /* 1 to MEDIA_WORKERS; 0: as many as there are cores */
    /* Of the first worker; the others have the ports after it. 0: any. */
    struct net_udp_config udp;
    const struct media_address *addresses; /* 1 to MEDIA_ADDRESSES; looked at once */
    size_t n_addresses;
    void *ctx;
    /* To a member: a body of src/signal/media.h, good until it returns. */
    void (*say)(void *ctx, uint64_t conn, struct bytes body);
    /* The epoch a meeting is in, and the leaves of its tree. false: not known (yet). */
    bool (*epoch)(void *ctx, const char *number, uint64_t *out_epoch, uint32_t *out_leaves);
};

/* EINVAL: a port cannot be had; errno says why. ENOMEM, ECRYPTO, ERANDOM, EINTERNAL. */
int media_new(const struct media_config *config, struct media **out) CONCLAVE_CHECKED;
void media_free(struct media *m);

/* What the member on `leaf`, there by conn, says. Whoever calls vouches for that. ENOMEM: it was
 * not heard. */
int media_hear(struct media *m, const char *number, uint64_t conn, uint32_t leaf,
               struct bytes body) CONCLAVE_CHECKED;
/* conn is gone: its transports die, and with the last one the meeting's place on a worker. */
void media_gone(struct media *m, uint64_t conn);
/* The meeting is in this epoch. One without media is passed over. */
void media_epoch(struct media *m, const char *number, uint64_t epoch, uint32_t leaves);

unsigned media_workers(const struct media *m);
struct media_worker *media_worker(const struct media *m, unsigned i);

struct media_counters {
    uint32_t meetings, members;
    uint64_t unheard; /* messages of members: too many waited, or no memory */
};
void media_counters(const struct media *m, struct media_counters *out);

/* Of a meeting. ENOTFOUND: it has no media, or nothing is known of them yet. */
int media_meeting_stats(const struct media *m, const char *number,
                        struct sfu_meeting_stats *out) CONCLAVE_CHECKED;

#endif
