#include "sframe/key.h"

#include <stdlib.h>
#include <string.h>

#include "base/wipe.h"
#include "sframe/limits.h"

/* The header is written 16 bytes at once, or slowly at its true size. */
#define HEADER_ROOM 24

static void set_kid(struct sframe_key *k, uint64_t kid)
{
    uint8_t header[SFRAME_HEADER_MAX];
    size_t n = sframe_header_write(kid, 0, header);
    k->kid = kid;
    k->kid_code = header[0];
    k->kid_n = (uint8_t)(n - 1);
    memcpy(k->kid_bytes, header + 1, n - 1);
}

int sframe_key_rearm(struct aead_engine *e, const struct sframe_suite_info *s,
                     const struct secret *secret, struct sframe_key *k)
{
    uint8_t raw[SFRAME_KEY_MAX];
    int rv = sframe_derive(e, s, secret, k->kid, raw, k->salt);
    if (rv == 0)
        rv = aead_new(e, s->alg, s->nt, bytes_of(raw, s->nk), &k->aead);
    wipe(raw, sizeof raw);
    return rv;
}

int sframe_key_new(struct aead_engine *e, const struct sframe_suite_info *s,
                   const struct secret *secret, uint64_t kid, enum sframe_use use,
                   enum sframe_mode mode, struct sframe_key **out)
{
    size_t raw_n = mode == SFRAME_OUTSIDE ? SFRAME_KEY_MAX : 0;
    struct sframe_key *k = calloc(1, sizeof *k + raw_n);
    if (k == NULL)
        return CONCLAVE_ENOMEM;
    set_kid(k, kid);
    k->use = (uint8_t)use;
    k->raw_n = (uint8_t)raw_n;
    int rv = mode == SFRAME_OUTSIDE ? sframe_derive(e, s, secret, kid, k->raw, k->salt)
                                    : sframe_key_rearm(e, s, secret, k);
    if (rv != 0) {
        sframe_key_free(k);
        return rv;
    }
    *out = k;
    return 0;
}

void sframe_key_free(struct sframe_key *k)
{
    if (k == NULL)
        return;
    aead_free(k->aead);
    wipe(k, sizeof *k + k->raw_n);
    free(k);
}

/* RFC 9605 7.4-1, 9.3-1, 9.1-1 and 4.3-1: a counter serves once, whatever comes of it; and
 * the key says so before a limit is crossed. */
int sframe_key_take(struct sframe_key *k, size_t plain_n, uint64_t *out_ctr)
{
    uint64_t blocks = plain_n / 16 + 2; /* the last may be short, and the tag's mask is one */
    if (k->spent || SFRAME_BLOCKS_MAX - k->blocks < blocks)
        return CONCLAVE_EEXHAUSTED;
    *out_ctr = k->next_ctr;
    if (k->next_ctr == UINT64_MAX)
        k->spent = true;
    else
        k->next_ctr++;
    k->blocks += blocks;
    return 0;
}

struct sframe_used sframe_key_used(const struct sframe_key *k)
{
    return (struct sframe_used){k->next_ctr, k->blocks, k->spent};
}

/* RFC 9605 9.1 and 9.3: neither counters nor blocks are given back. */
int sframe_key_skip(struct sframe_key *k, const struct sframe_used *used)
{
    if (used->ctr < k->next_ctr || used->blocks < k->blocks || k->spent)
        return CONCLAVE_EINVAL;
    k->next_ctr = used->ctr;
    k->blocks = used->blocks > SFRAME_BLOCKS_MAX ? SFRAME_BLOCKS_MAX : used->blocks;
    k->spent = used->spent;
    return 0;
}

/* The byte order of the network, from and to the machine's. */
static inline uint64_t big_endian64(uint64_t v)
{
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_bswap64(v) : v;
}

static inline uint32_t big_endian32(uint32_t v)
{
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_bswap32(v) : v;
}

/* Sixteen bytes stored at once. The AEADs read nonce and AAD that way, and a processor hands a
 * store on to such a load only if it was one store: pieces would have to wait for the cache. */
typedef uint64_t pair __attribute__((vector_size(16)));
#define AT_ONCE 16

static inline void store_pair(uint8_t *out, uint64_t first, uint64_t second)
{
    pair both = {first, second};
    memcpy(out, &both, AT_ONCE);
}

/* out has room for AT_ONCE. */
static inline void make_nonce(const struct sframe_key *k, uint64_t ctr, uint8_t *out)
{
    uint64_t first;
    uint32_t last;
    memcpy(&first, k->salt, 8);
    memcpy(&last, k->salt + 8, 4);
    first ^= big_endian64(ctr >> 32);
    last ^= big_endian32((uint32_t)ctr);
    if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) {
        store_pair(out, first, last);
    } else {
        memcpy(out, &first, 8);
        memcpy(out + 8, &last, 4);
    }
}

void sframe_key_nonce(const struct sframe_key *k, uint64_t ctr, uint8_t out[static SFRAME_NONCE])
{
    uint8_t nonce[AT_ONCE];
    make_nonce(k, ctr, nonce);
    memcpy(out, nonce, SFRAME_NONCE);
}

/* As sframe_header_write(), from the prepared KID; out has HEADER_ROOM. */
static inline size_t make_header(const struct sframe_key *k, uint64_t ctr, uint8_t *out)
{
    unsigned size = ctr < 8 ? 0 : (unsigned)(64 - __builtin_clzll(ctr) + 7) / 8;
    size_t n = 1 + (size_t)k->kid_n + size;
    if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__ || n > 8)
        return sframe_header_write(k->kid, ctr, out);
    uint64_t kid, low = size == 0 ? k->kid_code | ctr : k->kid_code | 8u | (size - 1);
    memcpy(&kid, k->kid_bytes, 8); /* bytes in their order: the first is the lowest */
    low |= kid << 8;
    if (size != 0)
        low |= big_endian64(ctr << (64 - 8 * size)) << (8 + 8 * k->kid_n);
    store_pair(out, low, 0);
    return n;
}

static inline bool overlap(const uint8_t *a, size_t a_n, const uint8_t *b, size_t b_n)
{
    return (uintptr_t)a < (uintptr_t)b + b_n && (uintptr_t)b < (uintptr_t)a + a_n;
}

int sframe_key_seal(struct sframe_key *k, struct bytes metadata, struct bytes plain, uint8_t *out,
                    size_t cap, size_t *out_n)
{
    uint8_t aad[HEADER_ROOM + SFRAME_METADATA_MAX], nonce[AT_ONCE];
    if (plain.n > SFRAME_PLAIN_MAX || metadata.n > SFRAME_METADATA_MAX)
        return CONCLAVE_EINVAL;
    size_t header_n = make_header(k, k->next_ctr, aad);
    size_t tag_n = k->aead->tag_n;
    if (cap < header_n + plain.n + tag_n)
        return CONCLAVE_EBUFFER;
    uint64_t ctr;
    int rv = sframe_key_take(k, plain.n, &ctr);
    if (rv != 0)
        return rv;
    make_nonce(k, ctr, nonce);
    if (metadata.n != 0) /* before anything is written: it may lie in out as well */
        memcpy(aad + header_n, metadata.p, metadata.n);
    uint8_t *text = out + header_n;
    if (plain.p != text && overlap(plain.p, plain.n, out, header_n + plain.n + tag_n)) {
        memmove(text, plain.p, plain.n);
        plain.p = text;
    }
    memcpy(out, aad, header_n);
    rv = aead_seal(k->aead, nonce, bytes_of(aad, header_n + metadata.n), plain, text,
                   text + plain.n);
    if (rv == 0)
        *out_n = header_n + plain.n + tag_n;
    return rv;
}

/* The ciphertext opened where it stands, and then moved: out lies within the frame. */
static int open_overlapping(struct sframe_key *k, const uint8_t *nonce, struct bytes aad,
                            struct bytes cipher, uint8_t *out)
{
    uint8_t *text = out + (cipher.p - out);
    int rv = aead_open(k->aead, nonce, aad, cipher, cipher.p + cipher.n, text);
    if (rv == 0)
        memmove(out, text, cipher.n);
    return rv;
}

int sframe_frame_check(size_t tag_n, size_t header_n, struct bytes metadata, struct bytes frame,
                       size_t cap)
{
    if (metadata.n > SFRAME_METADATA_MAX)
        return CONCLAVE_EINVAL;
    if (frame.n - header_n < tag_n) /* a short tag is no tag */
        return CONCLAVE_ESYNTAX;
    size_t n = frame.n - header_n - tag_n;
    if (n > SFRAME_PLAIN_MAX)
        return CONCLAVE_ELIMIT;
    return n > cap ? CONCLAVE_EBUFFER : 0;
}

int sframe_key_open(struct sframe_key *k, uint64_t ctr, size_t header_n, struct bytes metadata,
                    struct bytes frame, uint8_t *out, size_t *out_n)
{
    uint8_t joined[SFRAME_HEADER_MAX + SFRAME_METADATA_MAX], nonce[AT_ONCE];
    size_t n = frame.n - header_n - k->aead->tag_n;
    if (!replay_check(&k->window, ctr))
        return CONCLAVE_EREPLAY;
    make_nonce(k, ctr, nonce);
    struct bytes aad = bytes_of(frame.p, header_n), cipher = bytes_of(frame.p + header_n, n);
    if (metadata.n != 0) {
        memcpy(joined, frame.p, header_n);
        memcpy(joined + header_n, metadata.p, metadata.n);
        aad = bytes_of(joined, header_n + metadata.n);
    }
    int rv = out != cipher.p && overlap(out, n, frame.p, frame.n)
                 ? open_overlapping(k, nonce, aad, cipher, out)
                 : aead_open(k->aead, nonce, aad, cipher, cipher.p + n, out);
    if (rv != 0)
        return rv; /* RFC 9605 4.4.4-1: the frame is lost, and nothing has changed */
    replay_accept(&k->window, ctr);
    *out_n = n;
    return 0;
}
