/* A secret of bounded size: where keys live, and the only type they have (RFC 9420 2-1).
 *
 * Large enough for every KDF output (64) and every HPKE private key (P-521: 66). Pass by pointer,
 * end every owner with secret_wipe().
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <string.h>

#include <conclave/bytes.h>

#include "base/wipe.h"

#define SECRET_MAX 66

struct secret {
    uint8_t p[SECRET_MAX];
    uint8_t n; /* 0: there is none */
};

static inline struct bytes secret_view(const struct secret *s)
{
    return bytes_of(s->p, s->n);
}

static inline void secret_wipe(struct secret *s)
{
    wipe(s, sizeof *s);
}

/* false, and nothing set, if the bytes are too long to be a secret. */
static inline bool secret_set(struct secret *s, struct bytes b)
{
    if (b.n > SECRET_MAX)
        return false;
    secret_wipe(s);
    if (b.n != 0)
        memcpy(s->p, b.p, b.n);
    s->n = (uint8_t)b.n;
    return true;
}

static inline void secret_zero(struct secret *s, size_t n)
{
    secret_wipe(s);
    s->n = (uint8_t)n;
}

/* Moves: the source is wiped. */
static inline void secret_move(struct secret *to, struct secret *from)
{
    *to = *from;
    secret_wipe(from);
}

#endif
