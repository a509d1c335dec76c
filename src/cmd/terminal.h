/* A meeting at a terminal, for a person: lines come in above a prompt that stays at the bottom.
 * Without a keyboard or a screen the same, line by line, without prompt, colours and editing.
 */
#ifndef CMD_TERMINAL_H
#define CMD_TERMINAL_H

#include "cmd/join_session.h"

struct terminal;

struct terminal_config {
    struct net_loop *loop;
    bool colours; /* as far as there is a screen */
    bool tls;
    bool stay; /* the end of the input is not the wish to leave */
};

/* EINVAL if the input cannot be read; ENOMEM. */
int terminal_new(const struct terminal_config *config, struct terminal **out) CONCLAVE_CHECKED;
void terminal_free(struct terminal *t);

/* Before the loop runs, and before any event. */
void terminal_attach(struct terminal *t, struct join_session *session);

/* For struct join_session_events: what there is to tell. */
void terminal_event(struct terminal *t, const struct participant_effect *e);

/* For struct join_media_events. */
struct join_media_news;
void terminal_news(struct terminal *t, const struct join_media_news *news);

/* The answer to a command that shows something; errors of terminal_view_show(). */
int terminal_show(struct terminal *t, const struct join_command *command) CONCLAVE_CHECKED;

/* A warning of our own: what is so, why, and the next step. */
void terminal_warn(struct terminal *t, const char *text, const char *why, const char *next);

/* A line of our own. */
void terminal_say(struct terminal *t, const char *text);

#endif
