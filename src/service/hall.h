/* The hall: all meetings of a server. It finds the room a connection's Hello asks for, makes or
 * restores it, writes down what the room wants stored, and hands frames to the network. A wrong
 * number and a wrong `access` get the same answer, after the same work.
 */
#ifndef SERVICE_HALL_H
#define SERVICE_HALL_H

#include <conclave/crypto.h>
#include <conclave/identity.h>

#include "room/room.h"
#include "store/store.h"

struct hall;

struct hall_out {
    void *ctx;
    /* Takes a share of the frame (room_frame_share) if it keeps it. */
    void (*send)(void *ctx, uint64_t conn, struct room_frame *frame);
    /* After what was sent. reason: enum reason. */
    void (*close)(void *ctx, uint64_t conn, int reason);
    /* For the media switch: what the member on this leaf, there by conn, has to say
     * (src/signal/media.h); its answers go through hall_media(). And: conn is gone, for good. Both
     * or none; without them there is no media here. */
    void (*media)(void *ctx, const char *number, uint64_t conn, uint32_t leaf, struct bytes body);
    void (*media_gone)(void *ctx, uint64_t conn);
    /* A meeting's group is in this epoch, its tree has so many leaves: before members hear of it.
     * May be NULL. */
    void (*media_epoch)(void *ctx, const char *number, uint64_t epoch, uint32_t leaves);
    /* A room's event, already in the audit log. May be NULL. */
    void (*event)(void *ctx, const char *number, enum room_event event);
};

struct hall_config {
    struct store *store;          /* borrowed */
    struct crypto *crypto;        /* public context of the default suite */
    struct crypto_signer *signer; /* the server's key */
    /* CA certificates trusted besides each card's provider_root: PEM, purpose public. */
    struct bytes public_roots;
    uint32_t max_participants, max_waiting;
    uint32_t hellos_per_minute; /* failed ones of one address; 0: 30 */
    struct hall_out out;
};

int hall_new(const struct hall_config *config, struct hall **out) CONCLAVE_CHECKED;
void hall_free(struct hall *h);

/* address: of the peer, for counting failures; "" if unknown. System errors only. */
int hall_connect(struct hall *h, uint64_t conn, const char *address,
                 uint64_t now_us) CONCLAVE_CHECKED;
int hall_frame(struct hall *h, uint64_t conn, struct bytes frame, uint64_t now_us) CONCLAVE_CHECKED;
void hall_disconnect(struct hall *h, uint64_t conn, uint64_t now_us);
int hall_tick(struct hall *h, uint64_t now_us) CONCLAVE_CHECKED;
uint64_t hall_deadline(const struct hall *h);

/* To a member, from the media switch: a body of src/signal/media.h. If conn is gone, nothing
 * happens. */
int hall_media(struct hall *h, uint64_t conn, struct bytes body) CONCLAVE_CHECKED;

/* What media_epoch last told of a meeting; false if it has no group. */
bool hall_epoch(const struct hall *h, const char *number, uint64_t *out_epoch,
                uint32_t *out_leaves);

/* Everybody gets Fault server_stops. */
void hall_stop(struct hall *h, uint64_t now_us);

/* For administration and metrics. ENOTFOUND if no such room is alive. */
int hall_summary(const struct hall *h, const char *number,
                 struct room_summary *out) CONCLAVE_CHECKED;
void hall_each(const struct hall *h,
               bool (*each)(void *ctx, const char *number, const struct room_summary *s),
               void *ctx);
int hall_end(struct hall *h, const char *number, uint64_t now_us) CONCLAVE_CHECKED;

struct hall_totals {
    uint64_t frames_in, frames_out, bytes_in, bytes_out, faults, hellos_failed, connections, rooms;
};
void hall_totals(const struct hall *h, struct hall_totals *out);

#endif
