/* Who may propose what (docs/PROTOCOL.md section 4): pure functions, asked by every client before
 * it merges and by the server before it accepts. */
#ifndef MEETING_POLICY_H
#define MEETING_POLICY_H

#include <conclave/mls.h>

#include "meeting/card.h"
#include "meeting/state.h"

enum meeting_role {
    MEETING_ATTENDEE,
    MEETING_COHOST,
    MEETING_HOST,
    MEETING_ORGANISER,
};

/* Which rule of the card a verdict falls under: devices of others are external. */
enum card_class meeting_class(const struct identity *id);
const char *meeting_class_name(enum card_class class); /* "member", "external", "device", "guest" */

enum meeting_role meeting_role(const struct card *card, const struct meeting_state *state,
                               const struct identity *id);
/* "attendee", "co-host", "host", "organiser" */
const char *meeting_role_name(enum meeting_role role);

/* What awaits somebody of this identity at the door. Barred people get CARD_LOBBY at best; hosts
 * and co-hosts get CARD_JOIN, unless barred. state may be NULL: the meeting has not begun. */
enum card_admission meeting_admission(const struct card *card, const struct meeting_state *state,
                                      const struct identity *id, bool barred);

/* Whether this identity may found the meeting. */
bool meeting_may_found(const struct card *card, const struct identity *id);

/* Verdicts are the caller's: it has the anchors, and gives of a member the verdict of when that
 * credential was accepted, which may have expired since. ctx is handed back. */
struct meeting_judge {
    void *ctx;
    /* 0 or an error that ends the check. */
    int (*identify)(void *ctx, const struct mls_credential *credential, struct bytes signature_key,
                    struct identity *out);
};

/* What was wrong, for the report. */
struct meeting_refusal {
    int reason;        /* enum reason: NOT_ALLOWED, LINK_SECRET, COMMIT_FOREIGN... */
    uint16_t proposal; /* its type, or 0 if it is the commit as a whole */
    uint32_t by;       /* leaf of who proposed, or MLS_NO_LEAF */
    uint32_t target;   /* leaf concerned, or MLS_NO_LEAF */
};

/* A staged commit as a whole. 0; EPOLICY with *out_refusal filled in; an error of the judge,
 * ECRYPTO or ENOMEM. */
int meeting_check_commit(const struct card *card, const struct mls_staged *staged,
                         const struct meeting_judge *judge, uint64_t now,
                         struct meeting_refusal *out_refusal) CONCLAVE_CHECKED;

/* One received proposal, by itself, in a group whose context this is: refused ones are not cached
 * or relayed. `member` gives the member of a leaf, or ENOTFOUND. */
struct meeting_members {
    const void *ctx;
    int (*member)(const void *ctx, uint32_t leaf, struct mls_member *out);
};
int meeting_check_proposal(const struct card *card, const struct mls_context *context,
                           const struct meeting_members *members,
                           const struct mls_proposal_info *proposal,
                           const struct meeting_judge *judge, uint64_t now,
                           struct meeting_refusal *out_refusal) CONCLAVE_CHECKED;

#endif
