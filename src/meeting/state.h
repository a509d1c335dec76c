/* The meeting's state in the GroupContext, and the other extensions of section 3 of
 * docs/PROTOCOL.md. */
#ifndef MEETING_STATE_H
#define MEETING_STATE_H

#include <conclave/identity.h>
#include <conclave/mls.h>

#include "meeting/card.h"

enum meeting_extension {
    MEETING_EXT_CARD = 0xF0C1,
    MEETING_EXT_STATE = 0xF0C2,
    MEETING_EXT_NAME = 0xF0C3, /* of a leaf */
};

#define MEETING_COHOSTS_MAX 64
#define MEETING_BARRED_MAX 256
#define MEETING_INSTANCE 16
#define MEETING_GROUP_ID (CARD_ID + MEETING_INSTANCE)
#define MEETING_SERVER_NAME "conclave server"

/* The lists are encoded: what follows walks and changes them. Views. */
struct meeting_state {
    bool locked, ended;
    uint64_t started_at;
    struct bytes cohosts, barred; /* opaque<V> after opaque<V> */
};

/* ESYNTAX, ELIMIT. */
int meeting_state_read(struct bytes data, struct meeting_state *out) CONCLAVE_CHECKED;
/* Appends. EINVAL for a state that could not be read again, ENOMEM. */
int meeting_state_write(const struct meeting_state *s, struct buf *out) CONCLAVE_CHECKED;

/* Whether it is as a founder must make it: unlocked, not ended, no co-hosts, nobody barred. */
bool meeting_state_is_fresh(const struct meeting_state *s);

bool meeting_list_has(struct bytes list, struct bytes entry);
/* Appends the list with an entry more (unless it is there) or less. ENOMEM. */
int meeting_list_with(struct bytes list, struct bytes entry, struct buf *out) CONCLAVE_CHECKED;
int meeting_list_without(struct bytes list, struct bytes entry, struct buf *out) CONCLAVE_CHECKED;
size_t meeting_list_count(struct bytes list);

/* What barred says of somebody: the identifier of the verified, else SHA-256 of the signature key.
 * Appends. ECRYPTO, ENOMEM. */
int meeting_barred_entry(const struct identity *id, struct bytes signature_key,
                         struct buf *out) CONCLAVE_CHECKED;

/* The GroupContext extensions of a meeting, in a fixed order: required_capabilities,
 * external_senders, meeting_card, meeting_state. Filled into bufs that must live as long as the
 * list is used; end with meeting_extensions_fini(). */
#define MEETING_EXTENSIONS 4
struct meeting_extensions {
    struct buf data[MEETING_EXTENSIONS];
    struct mls_extension list[MEETING_EXTENSIONS];
};
/* EINVAL for a state that cannot be written, ENOMEM; *e then owns nothing. */
int meeting_extensions_init(struct meeting_extensions *e, const struct card *card,
                            const struct meeting_state *state) CONCLAVE_CHECKED;
void meeting_extensions_fini(struct meeting_extensions *e);

/* Checks an encoded extension list against a card: everything of section 3, and nothing else in it.
 * Gives the state (views into list). EPOLICY, ESYNTAX, ELIMIT, ENOMEM. */
int meeting_extensions_check(struct bytes list, const struct card *card,
                             struct meeting_state *out) CONCLAVE_CHECKED;

/* Whether a group id is one of this meeting. */
bool meeting_group_is_of(const struct card *card, struct bytes group_id);

#endif
