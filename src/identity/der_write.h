/* DER written into a struct buf, which remembers failure. Used to issue, never to verify. */
#ifndef IDENTITY_DER_WRITE_H
#define IDENTITY_DER_WRITE_H

#include "wire/der.h"

/* A whole element. */
void der_put(struct buf *b, uint8_t tag, struct bytes content);

/* An element whose content is written between begin and end; end takes what begin returned. */
size_t der_begin(struct buf *b, uint8_t tag);
void der_end(struct buf *b, size_t mark);

/* INTEGER of up to 2^31-1, or of bytes: a zero goes in front if the first bit is set. */
void der_put_small(struct buf *b, uint32_t v);
void der_put_positive(struct buf *b, struct bytes v);

/* BIT STRING of whole bytes; BOOLEAN TRUE */
void der_put_bits(struct buf *b, struct bytes content);
void der_put_true(struct buf *b);

/* UTCTime until 2049, GeneralizedTime after (RFC 5280 4.1.2.5). Years have four digits. */
void der_put_time(struct buf *b, uint64_t unix_seconds);

/* OBJECT IDENTIFIER of a string literal. */
#define der_put_oid(b, oid) der_put(b, DER_OID, bytes_of(oid, sizeof(oid) - 1))

#endif
