/* Bit fields, most significant bit first: a sticky reader over borrowed bytes and a writer into a
 * struct buf, which remembers failure. For formats that are not made of whole bytes.
 *
 * After the first failure every read yields zero; check reader.failed before a value that was read
 * bounds a loop.
 */
#ifndef WIRE_BITS_H
#define WIRE_BITS_H

#include <conclave/bytes.h>

struct bit_reader {
    struct bytes b;
    size_t at; /* bits read */
    bool failed;
};

struct bit_reader bit_reader_of(struct bytes b);

/* n <= 32 */
uint32_t bits_read(struct bit_reader *r, unsigned n);
bool bit_read(struct bit_reader *r);

/* AV1 4.10.7, ns(n): a value below n in as few bits as n needs; n = 0 fails. */
uint32_t bits_read_ns(struct bit_reader *r, uint32_t n);

struct bit_writer {
    struct buf *b;
    unsigned used; /* bits of the last byte; 0: the next bit starts a byte */
};

/* Starts at a byte of its own; what is left of the last byte stays zero. */
struct bit_writer bit_writer_of(struct buf *b);

/* n <= 32; bits of v above n are ignored. */
void bits_write(struct bit_writer *w, uint32_t v, unsigned n);
void bit_write(struct bit_writer *w, bool v);

/* v < n, or the buf fails. */
void bits_write_ns(struct bit_writer *w, uint32_t v, uint32_t n);

#endif
