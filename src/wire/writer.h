/* Writers of TLS presentation language into a struct buf, which remembers failure. */
#ifndef WIRE_WRITER_H
#define WIRE_WRITER_H

#include <conclave/bytes.h>

#define WIRE_VARINT_MAX 0x3fffffffu /* RFC 9420 2.1.2: 30 bits */

void write_u8(struct buf *b, uint8_t v);
void write_u16(struct buf *b, uint16_t v);
void write_u32(struct buf *b, uint32_t v);
void write_u64(struct buf *b, uint64_t v);

/* RFC 9420 2.1.2-1: in the shortest form; a value over WIRE_VARINT_MAX fails the buf. */
void write_varint(struct buf *b, size_t v);

/* opaque x<V> */
void write_vec(struct buf *b, struct bytes data);

/* A vector whose content is written between begin and end; end takes what begin returned. */
size_t write_vec_begin(struct buf *b);
void write_vec_end(struct buf *b, size_t mark);

/* The varint by itself, for hashing without copying; returns its length (1, 2 or 4). */
size_t varint_encode(uint32_t v, uint8_t out[static 4]);

#endif
