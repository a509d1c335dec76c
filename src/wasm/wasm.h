/* The core as a WebAssembly module: what web/core calls. Wiring, as src/cmd is for programs.
 *
 * Structures cross as bytes in the presentation language of docs/PROTOCOL.md: what comes in is read
 * from one argument, what goes out is appended to a struct buf that JavaScript keeps for it. The
 * other side of each is in web/core/src/wire.ts. Times are milliseconds since 1970, as in
 * JavaScript.
 */
#ifndef WASM_WASM_H
#define WASM_WASM_H

#include <conclave/identity.h>
#include <conclave/participant.h>

#include "wire/reader.h"
#include "wire/writer.h"

#if defined(__wasm__)
#define WASM_EXPORT(name) __attribute__((export_name(name)))
#else
#define WASM_EXPORT(name)
#endif

#define WASM_CHAIN_MAX 10u  /* certificates, as an MLS credential may carry */
#define WASM_LIST_MAX 1024u /* entries of any other list */

/* A text with a terminator, taken from a vector; "" after a failure, or if it has a zero in it or
 * is longer than out: then the reader has failed, too. */
void wasm_read_text(struct reader *r, char *out, size_t cap);

/* The vectors of a vector. Fails the reader for more than `max`; returns how many. */
size_t wasm_read_list(struct reader *r, struct bytes *out, size_t max);

/* A key of the host: uint16 suite; opaque public_key<V>; uint32 number. */
int wasm_read_signer(struct reader *r, struct crypto_signer **out) CONCLAVE_CHECKED;

void wasm_write_text(struct buf *b, const char *text);
void wasm_write_reason(struct buf *b, int reason);
void wasm_write_identity(struct buf *b, const struct identity *id);

static inline uint64_t wasm_us(double ms)
{
    return (uint64_t)(ms * 1000);
}

#endif
