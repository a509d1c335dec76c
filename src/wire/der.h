/* A strict reader of DER (ITU-T X.690) on the sticky reader of src/wire.
 *
 * One value has one encoding: lengths and integers in their shortest form, TRUE as 0xff, no
 * indefinite lengths, no high tag numbers. Nothing here recurses, so nesting needs no limit.
 */
#ifndef WIRE_DER_H
#define WIRE_DER_H

#include "wire/reader.h"

enum der_tag {
    DER_BOOLEAN = 0x01,
    DER_INTEGER = 0x02,
    DER_BIT_STRING = 0x03,
    DER_OCTET_STRING = 0x04,
    DER_NULL = 0x05,
    DER_OID = 0x06,
    DER_UTF8 = 0x0c,
    DER_PRINTABLE = 0x13,
    DER_IA5 = 0x16,
    DER_UTC_TIME = 0x17,
    DER_GENERALIZED_TIME = 0x18,
    DER_SEQUENCE = 0x30,
    DER_SET = 0x31,
};

/* The context-specific tag [n], as a value of its own or around others. */
#define DER_CONTEXT(n) (0x80 | (n))
#define DER_CONTEXT_IN(n) (0xa0 | (n))

/* Whether the next element has this tag; false at the end. */
bool der_next_is(const struct reader *r, uint8_t tag);

/* The content of the next element, whatever its tag. */
struct bytes der_any(struct reader *r, uint8_t *out_tag);

/* The content of the next element, or the element as a whole; another tag fails. */
struct bytes der_content(struct reader *r, uint8_t tag);
struct bytes der_element(struct reader *r, uint8_t tag);

/* A reader over the content; der_leave() fails the outer one unless the inner was read to its end
 * without failing. */
struct reader der_enter(struct reader *r, uint8_t tag);
void der_leave(struct reader *r, const struct reader *inner);

bool der_bool(struct reader *r);

/* An INTEGER of 0 to 2^31-1. */
uint32_t der_small(struct reader *r);

/* A positive INTEGER's bytes without a leading zero. */
struct bytes der_positive(struct reader *r);

/* A BIT STRING of whole bytes. */
struct bytes der_bit_bytes(struct reader *r);

/* A named bit list: bit 0 is the value's lowest. Bits above 15 fail. */
uint16_t der_named_bits(struct reader *r);

/* Time of RFC 5280 4.1.2.5 in Unix seconds; before 1970: 0. */
uint64_t der_time(struct reader *r);

#endif
