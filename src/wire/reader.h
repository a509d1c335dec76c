/* A sticky reader of TLS presentation language (RFC 8446 section 3) with the variable-size vector
 * headers of RFC 9420 section 2.1.2.
 *
 * After the first failure every read yields zero or an empty view, and reader_end() says so once.
 * Check reader_ok() before a value that was read bounds a loop or an allocation. A vector is read
 * as a view or as a reader of its own. Everything read is borrowed from the input.
 */
#ifndef WIRE_READER_H
#define WIRE_READER_H

#include <conclave/bytes.h>

struct reader {
    const uint8_t *p;
    const uint8_t *end;
    bool failed;
};

struct reader reader_of(struct bytes b);

bool reader_ok(const struct reader *r);
size_t reader_left(const struct reader *r);

/* 0 if all was read and nothing failed, else ESYNTAX. */
int reader_end(const struct reader *r) CONCLAVE_CHECKED;

void reader_fail(struct reader *r);

uint8_t read_u8(struct reader *r);
uint16_t read_u16(struct reader *r);
uint32_t read_u32(struct reader *r);
uint64_t read_u64(struct reader *r);

/* n bytes as they are. */
struct bytes read_bytes(struct reader *r, size_t n);

/* RFC 9420 2.1.2: the length in 1, 2 or 4 bytes; a longer form than needed fails. */
uint32_t read_varint(struct reader *r);

/* opaque x<V>: a view of the content, or a reader over it (which starts failed if r has). */
struct bytes read_vec(struct reader *r);
struct reader read_sub(struct reader *r);

/* optional<T>: whether T follows; anything but 0 or 1 fails (RFC 9420 2.1.1). */
bool read_optional(struct reader *r);

/* What was read since a mark (taken as r->p). */
struct bytes read_since(const struct reader *r, const uint8_t *mark);

#endif
