/* Text on a terminal: how wide it is, and made harmless. */
#ifndef CMD_TERMINAL_TEXT_H
#define CMD_TERMINAL_TEXT_H

#include <conclave/bytes.h>

/* The first character of UTF-8 text, and how many bytes it has; U+FFFD and 1 where the text is not
 * UTF-8. text must not be empty. */
uint32_t terminal_char(struct bytes text, size_t *out_n);

/* Columns: 0 for what combines with its neighbour, 2 for East Asian wide characters and emoji. */
unsigned terminal_char_width(uint32_t c);
size_t terminal_width(struct bytes text);

/* Text of strangers: control, direction and invisible characters become U+FFFD, so that nothing on
 * the screen can be moved, hidden or recoloured. A line break becomes a line break and `indent`
 * spaces. */
void terminal_put_plain(struct buf *b, struct bytes text, size_t indent);

/* Lines broken at blanks, so that none is wider than the columns; escape sequences take none. */
void terminal_put_wrapped(struct buf *b, struct bytes lines, size_t columns);

/* As printf: our own words. */
void terminal_put(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

enum terminal_colour {
    TERMINAL_NORMAL,
    TERMINAL_BOLD,
    TERMINAL_DIM,
    TERMINAL_GREEN,
    TERMINAL_YELLOW,
    TERMINAL_RED,
    TERMINAL_CYAN,
};

/* Begins a colour, NORMAL ends it; nothing at all unless `colours`. */
void terminal_put_colour(struct buf *b, bool colours, enum terminal_colour colour);

#endif
