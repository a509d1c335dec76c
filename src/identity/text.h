/* Text of strangers made fit to be shown. */
#ifndef IDENTITY_TEXT_H
#define IDENTITY_TEXT_H

#include <conclave/bytes.h>

/* UTF-8 in its shortest form, without control, formatting (bidi, zero-width) and line characters,
 * and without what tags are made of. */
bool text_is_plain(struct bytes utf8);

/* What people write to each other: as above, but line breaks, quotation marks and what tags are
 * made of are fine, and what joins letters and emoji. To be shown as text, never as markup. */
bool text_is_readable(struct bytes utf8);

/* Whether somebody could take one name for the other: without regard to case and spaces, to digits
 * that look like letters, and to the letters of other scripts that look like Latin ones (the most
 * usual of Unicode's confusables.txt; no promise that there are no others). */
bool text_is_alike(const char *a, const char *b);

/* Printable ASCII as it is; all else, and what tags are made of, as \xNN. */
void text_put_escaped(struct buf *b, struct bytes text);
void text_put(struct buf *b, const char *text);
void text_put_hex(struct buf *b, struct bytes data);

/* "2026-11-23 06:08:16 UTC" */
void text_put_time(struct buf *b, uint64_t unix_seconds);

#endif
