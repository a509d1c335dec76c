/* The people of the demonstration: participants in this process, each with a key, a certificate of
 * the server's CA and a connection of its own, over which everything goes as it would between
 * machines.
 */
#ifndef CMD_DEMO_CAST_H
#define CMD_DEMO_CAST_H

#include "cmd/join_credential.h"
#include "cmd/join_media.h"
#include "cmd/join_session.h"

struct demo_actor {
    const char *name, *email; /* email: NULL for a guest and a device */
    struct join_credential credential;
    struct participant_trust *trust;
    struct join_session *session; /* NULL: not there */
    struct join_media *media;     /* likewise */
    uint32_t speaker;             /* leaf, as the switch says; or MLS_NO_LEAF */
    unsigned media_troubles;      /* there should be none */
    /* Frames of its own that it sent, and others' that it opened, while it collects them. */
    bool collects_sent, collects_got;
    uint32_t collects_of;   /* leaf */
    uint64_t collects_from; /* epoch */
    struct buf sent, got;
    unsigned n_sent, n_got;
    bool over;
    unsigned connected;  /* how often it came into the meeting, the first time included */
    unsigned heard;      /* chats */
    unsigned alarms;     /* there should be none */
    char last_text[256]; /* of the last chat */
};

/* With the server's certificate for the kind of actor it is. code: of a device, or NULL. Errors as
 * join_credential_obtain(). */
int demo_actor_enrol(struct demo_actor *a, struct account_api *api, const char *code, uint64_t now,
                     struct account_problem *out_problem) CONCLAVE_CHECKED;

/* Opens the link. record: a folder for what the others send. */
int demo_actor_join(struct demo_actor *a, struct net_loop *loop, struct net_clients *clients,
                    const char *link, const char *record) CONCLAVE_CHECKED;

/* What came of a sender's track so far; zeroes if nothing has. */
struct report_numbers demo_actor_got(const struct demo_actor *a, const struct demo_actor *sender,
                                     uint8_t source);

/* Cut off, and everything forgotten. */
void demo_actor_fini(struct demo_actor *a);

enum participant_phase demo_actor_phase(const struct demo_actor *a);
bool demo_actor_is_in(const struct demo_actor *a, uint32_t members);
/* The person of this name, in the roster or in the lobby as this actor sees it. ENOTFOUND */
int demo_actor_sees(const struct demo_actor *a, const char *name,
                    struct participant_person *out) CONCLAVE_CHECKED;
int demo_actor_sees_waiting(const struct demo_actor *a, const char *name,
                            struct participant_person *out) CONCLAVE_CHECKED;

#endif
