/* Audio and video as a person reads of them: part of cmd/terminal_view.h. */
#ifndef CMD_TERMINAL_MEDIA_H
#define CMD_TERMINAL_MEDIA_H

#include "cmd/join_media.h"
#include "cmd/terminal_view.h"

/* What protects them, in a line or two. */
const char *terminal_media_state(const struct terminal_view *v);

/* Appends what comes of them, in numbers. EUNSUPPORTED: there are none. */
int terminal_media_show(struct terminal_view *v, struct buf *out) CONCLAVE_CHECKED;

/* Appends what there is to say: a line, or nothing. */
void terminal_media_news(struct terminal_view *v, const struct join_media_news *news,
                         struct buf *out);

/* Why a command about them could not be done; NULL: it is not about them. */
const char *terminal_media_error(enum join_verb verb, int error);

#endif
