/* `conclave meeting new`: make a meeting: sign its card, give it to a server, get its link. */
#ifndef CMD_MEETING_H
#define CMD_MEETING_H

#include "cmd/join_credential.h"
#include "meeting/card.h"

int meeting_main(int argc, char **argv);

struct meeting_plan {
    struct card_terms terms; /* what the organiser decides; the rest is filled in */
    bool personal;           /* in place of the organiser's personal room */
};

/* The card is signed with the credential, whose owner is the organiser. Appends the link with a
 * terminator that n does not count. EPOLICY: *out_problem says why; EINVAL: the terms break a rule
 * of the card; ESYNTAX: the server's answers make no sense; ENOMEM... */
int meeting_make(struct account_api *api, const struct join_credential *credential,
                 const struct meeting_plan *plan, uint64_t now, struct buf *out_link,
                 struct account_problem *out_problem) CONCLAVE_CHECKED;

#endif
