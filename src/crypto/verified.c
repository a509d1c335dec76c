#include "crypto/verified.h"

#include <stdlib.h>
#include <string.h>

#define WAYS 4u
#define ENTRY 32u
#define PARTS_MAX 16u

struct crypto_verified {
    size_t rows; /* a power of two */
    size_t next; /* whose turn it is to go, in any row */
    uint64_t hits, misses;
    uint8_t entries[][WAYS][ENTRY];
};

int crypto_verified_new(size_t entries, struct crypto_verified **out)
{
    size_t rows = 1;
    if (entries > (size_t)1 << 24)
        return CONCLAVE_EINVAL;
    while (rows * WAYS < entries)
        rows *= 2;
    struct crypto_verified *v = calloc(1, sizeof *v + rows * sizeof v->entries[0]);
    if (v == NULL)
        return CONCLAVE_ENOMEM;
    v->rows = rows;
    *out = v;
    return 0;
}

void crypto_verified_free(struct crypto_verified *v)
{
    free(v);
}

void crypto_verified_counts(const struct crypto_verified *v, uint64_t *out_hits,
                            uint64_t *out_misses)
{
    *out_hits = v->hits;
    *out_misses = v->misses;
}

/* The hash cannot be aimed at a row of somebody else's more cheaply than by trying, and all that
 * brings is another verification. */
static size_t row_of(const struct crypto_verified *v, const uint8_t *key)
{
    uint32_t x;
    memcpy(&x, key, sizeof x);
    return x & (v->rows - 1);
}

static bool row_has(const struct crypto_verified *v, const uint8_t *key)
{
    const uint8_t(*row)[ENTRY] = v->entries[row_of(v, key)];
    for (size_t i = 0; i < WAYS; i++)
        if (bytes_equal(bytes_of(row[i], ENTRY), bytes_of(key, ENTRY)))
            return true;
    return false;
}

int crypto_verified_find(struct crypto_verified *v, struct crypto *c, struct bytes pub,
                         const struct bytes *parts, size_t n, struct bytes sig,
                         uint8_t out_key[static VERIFIED_KEY], bool *out_found)
{
    struct bytes all[PARTS_MAX];
    uint16_t id = c->suite->id;
    /* The key's length is the suite's; with the signature's, all is told apart. */
    uint8_t head[4] = {(uint8_t)(id >> 8), (uint8_t)id, (uint8_t)(sig.n >> 8), (uint8_t)sig.n};
    if (n + 3 > PARTS_MAX || sig.n > UINT16_MAX)
        return CONCLAVE_EINVAL;
    all[0] = bytes_of(head, sizeof head);
    all[1] = pub;
    all[2] = sig;
    for (size_t i = 0; i < n; i++)
        all[3 + i] = parts[i];
    int rv = crypto_hash(c, all, n + 3, out_key);
    if (rv != 0)
        return rv;
    *out_found = row_has(v, out_key);
    *(*out_found ? &v->hits : &v->misses) += 1;
    return 0;
}

void crypto_verified_put(struct crypto_verified *v, const uint8_t key[static VERIFIED_KEY])
{
    memcpy(v->entries[row_of(v, key)][v->next++ % WAYS], key, ENTRY);
}
