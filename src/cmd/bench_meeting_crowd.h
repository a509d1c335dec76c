/* A crowd for the bench of meetings: many participants in this process, on one loop, each with a
 * key, a certificate and a connection of its own. What they believe is shared, and so a signature
 * is verified once in the process, as in a gateway or a room with many devices. All else each of
 * them does for itself.
 */
#ifndef CMD_BENCH_MEETING_CROWD_H
#define CMD_BENCH_MEETING_CROWD_H

#include "cmd/join_session.h"

struct crowd_member {
    struct crowd *crowd;
    struct crypto_signer *signer;
    struct buf certificate;
    struct join_session *session; /* NULL: not yet */
    uint64_t joined_us;           /* when it came into the meeting; 0: not yet */
    uint64_t first_epoch, epoch;  /* of those it was in, the first and the latest */
    uint64_t bytes;               /* that had come in at the last mark */
    int ended;                    /* enum reason, once it is over */
    bool over;
};

/* When an epoch was first seen by anybody. */
struct crowd_epoch {
    uint64_t epoch, seen_us;
};

struct crowd {
    struct net_loop *loop;
    struct net_clients *clients;
    struct participant_trust *trust;
    struct net_timer *patience;
    struct crypto *crypto;
    char *link;
    struct crowd_member *members;
    size_t n;         /* that there is room for */
    size_t n_entered; /* that follow the link */
    size_t n_joined;  /* of them, that are or were in the meeting */
    size_t n_over;    /* of them, that are so no more */
    size_t n_marked;  /* of them, whose bytes are counted */
    struct crowd_epoch *epochs;
    size_t n_epochs, cap_epochs;
    uint64_t latest;     /* epoch */
    uint64_t wanted;     /* epoch without which crowd_is_together() is not content */
    uint64_t changed_us; /* when it began */
    size_t warnings;     /* and alarms that they were told */
    int warning;         /* the last of them */
    bool failed;         /* out of memory */
    bool impatient;
};

/* A crowd of n with fresh keys, certified as users of a domain by a CA, which all of them trust;
 * root: its certificate in PEM. ENOMEM, and as identity_ca_issue(). */
struct crowd_origin {
    struct identity_ca *ca;
    struct bytes root;
    const char *domain;
};
int crowd_init(struct crowd *c, size_t n, const struct crowd_origin *from,
               uint64_t now) CONCLAVE_CHECKED;
void crowd_fini(struct crowd *c);

/* What member `i` joins with in place of what crowd_init() made. Takes the signer and the
 * certificate. */
void crowd_replace(struct crowd *c, size_t i, struct crypto_signer *signer,
                   struct buf *certificate);

/* The link is copied. ENOMEM. */
int crowd_set_link(struct crowd *c, const char *link) CONCLAVE_CHECKED;

/* The next `count` members follow the link. As participant_new(). */
int crowd_enter(struct crowd *c, size_t count) CONCLAVE_CHECKED;

/* Lets things happen until it is so; false if it is not after so long. */
bool crowd_until(struct crowd *c, uint64_t us, bool (*so)(const struct crowd *c));

/* Everybody who entered, and is not over, is in the meeting and in the latest epoch. */
bool crowd_is_together(const struct crowd *c);

/* From here on the bytes are counted that come in to those who have entered so far; before the
 * first mark, all bytes of everybody. */
void crowd_mark(struct crowd *c);
/* Of those of them who are in the meeting: the most, and in the middle. */
void crowd_bytes(const struct crowd *c, uint64_t *out_most, uint64_t *out_median);

/* From when the first of the crowd saw an epoch that adds somebody, which is when its commit was
 * accepted, to when that member was in the meeting. */
void crowd_delays(const struct crowd *c, uint64_t *out_p50_us, uint64_t *out_p99_us);

/* Whether all who are in the meeting hold the same secrets, compared by a secret that each exports,
 * and the codes of three of them are equal. */
bool crowd_agrees(const struct crowd *c);

#endif
