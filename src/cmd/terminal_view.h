/* A meeting as a person reads it: events as short sentences, the roster, the lobby, what protects
 * the meeting. Lines into a buf, so that they are tested without a terminal.
 *
 * What people call themselves stands first and is a claim; what a certificate says of them stands
 * in parentheses after it. Names and texts of strangers go through terminal_put_plain().
 */
#ifndef CMD_TERMINAL_VIEW_H
#define CMD_TERMINAL_VIEW_H

#include "cmd/join_session.h"

struct terminal_view {
    struct join_session *session;
    bool colours;
    bool tls; /* the connection to the server */
    /* What was told last, so that only changes are. */
    enum participant_phase phase;
    enum participant_role role;
    bool locked;
    uint32_t announced; /* the highest number of the lobby */
};

/* Appends what there is to say about an event: nothing, a line, or several. Each line is ended. */
void terminal_view_event(struct terminal_view *v, const struct participant_effect *e,
                         struct buf *out);

/* Appends the answer to a command that shows something; EUNSUPPORTED for one that changes
 * something, ENOTFOUND for a number that is nobody's. */
int terminal_view_show(struct terminal_view *v, const struct join_command *command,
                       struct buf *out) CONCLAVE_CHECKED;

/* "Bob (company.com)", "room-1.company.com", "Eve (Unverified)". */
void terminal_put_person(struct buf *out, bool colours, const struct participant_person *person);

/* A person of the roster, in two lines. */
void terminal_put_roster(struct buf *out, bool colours, const struct participant_person *person);

/* Somebody waiting, in two lines; now: Unix seconds. */
void terminal_put_waiting(struct buf *out, bool colours, uint32_t number, uint64_t now,
                          const struct participant_person *person);

/* A sentence, and the next step: quiet, a warning or an alarm. */
void terminal_put_notice(struct buf *out, bool colours, enum participant_severity severity,
                         const char *text, const char *next);

/* Why something could not be done, for a person. */
const char *terminal_error_text(enum join_verb verb, int error);

#endif
