/* EBML, which Matroska and WebM files are written in (RFC 8794): elements of an ID, a size and a
 * content, which is a number, a string, bytes, or more elements.
 */
#ifndef MEDIA_EBML_H
#define MEDIA_EBML_H

#include <conclave/bytes.h>

#include "wire/reader.h"

#define EBML_UNKNOWN UINT64_MAX /* a size: up to what cannot be inside (RFC 8794 6.2) */

struct ebml_head {
    uint32_t id;   /* with its marker, as specifications write it */
    uint64_t size; /* of the content, or EBML_UNKNOWN */
    size_t n;      /* bytes of ID and size; 0: there are not enough bytes to tell */
};

/* The head of the element that data begin with. ESYNTAX: no ID or size begins so. */
int ebml_head_read(struct bytes data, struct ebml_head *out) CONCLAVE_CHECKED;

/* The next of the elements that r holds, whole: its ID, 0 if there is none left or r fails; an
 * element that is cut off, or of unknown size, makes it fail. */
uint32_t ebml_next(struct reader *r, struct bytes *out_content);

/* A number as sizes are written (RFC 8794 4). Returns how many bytes it has; 0 if data begin with
 * none, or with only a part of one. */
size_t ebml_vint_read(struct bytes data, uint64_t *out);

/* RFC 8794 7.2: an unsigned integer of up to 8 bytes; false if longer. */
bool ebml_uint(struct bytes content, uint64_t *out);

/* RFC 8794 7.4: whether a string is this one; zero bytes may follow it. */
bool ebml_is(struct bytes content, const char *string);

#endif
