/* A meeting for programs: one JSON object a line. Events come out, commands go in, and each command
 * gets an answer; docs/CLI.md has them all.
 */
#ifndef CMD_JOIN_JSON_H
#define CMD_JOIN_JSON_H

#include <jansson.h>

#include "cmd/join_session.h"

/* A command line; more is refused. A chat of 4,000 bytes may be written as escapes of six. */
#define JOIN_JSON_LINE_MAX ((size_t)32 << 10)

/* Appends the line of an event, ended; nothing for an event that says nothing by itself. */
void join_json_event(struct join_session *s, const struct participant_effect *e, struct buf *out);

/* Appends the last line: why it is over. */
void join_json_over(int reason, int exit_code, struct buf *out);

/* Appends the line of something about audio and video; and what has come of them, for the end. */
struct join_media_news;
struct join_media;
void join_json_news(const struct join_media_news *news, struct buf *out);
void join_json_report(struct join_media *media, struct buf *out);

/* Carries out a line and appends its answer. */
void join_json_run(struct join_session *s, struct bytes line, struct buf *out);

/* ---- On standard input and output ---- */

struct join_json;

/* stay: the end of the input is not the wish to leave. EINVAL, ENOMEM. */
int join_json_new(struct net_loop *loop, bool stay, struct join_json **out) CONCLAVE_CHECKED;
void join_json_free(struct join_json *j);
void join_json_attach(struct join_json *j, struct join_session *session);

/* For struct join_session_events. */
void join_json_tell(struct join_json *j, const struct participant_effect *e);

/* A warning that does not come from the participant: a reason by its code, in full. */
void join_json_notice(const char *code, const char *text, const char *next);

/* Writes lines to standard output at once. */
void join_json_write(const struct buf *lines);

#endif
