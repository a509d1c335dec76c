/* The line a person types, edited: a pure machine from bytes of a keyboard to lines, which draws
 * itself into a buf. Arrow keys, Home, End, Delete, Ctrl-A E B F D H K U W L, history, and pasting
 * in brackets (line breaks in it become spaces).
 */
#ifndef CMD_TERMINAL_LINE_H
#define CMD_TERMINAL_LINE_H

#include <conclave/bytes.h>

/* A chat has at most 4,000 bytes; what is typed beyond this is not taken. */
#define TERMINAL_LINE_MAX 4096
#define TERMINAL_HISTORY 50

struct terminal_line;

/* ENOMEM. */
int terminal_line_new(struct terminal_line **out) CONCLAVE_CHECKED;
void terminal_line_free(struct terminal_line *l);

enum terminal_key {
    TERMINAL_KEY_NOTHING,   /* not a whole key yet, or one without effect */
    TERMINAL_KEY_CHANGED,   /* draw again */
    TERMINAL_KEY_LINE,      /* Enter: terminal_line_text() is what was typed */
    TERMINAL_KEY_INTERRUPT, /* Ctrl-C on an empty line; on any other it empties it */
    TERMINAL_KEY_END,       /* Ctrl-D on an empty line */
    TERMINAL_KEY_CLEAR,     /* Ctrl-L */
};

enum terminal_key terminal_line_feed(struct terminal_line *l, uint8_t byte);

/* The last finished line, until the next one; without a line break. */
const char *terminal_line_text(const struct terminal_line *l);

/* Whether nothing is typed. */
bool terminal_line_is_empty(const struct terminal_line *l);

/* Appends what draws prompt and line in place of the terminal's current line, with the cursor where
 * it belongs; the part around the cursor, if it is longer than the columns. */
void terminal_line_draw(const struct terminal_line *l, const char *prompt, size_t columns,
                        struct buf *out);

#endif
