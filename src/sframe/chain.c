/* Sender keys: RFC 9605 5.1. */
#include <stdlib.h>
#include <string.h>

#include "base/wipe.h"
#include "sframe/key.h"
#include "sframe/limits.h"

#define RATCHET_BITS_MAX 8
#define STEPS_MAX ((uint64_t)1 << 32)

/* A generation and step made ready. */
struct link {
    uint64_t generation, step;
    struct secret secret;
    struct sframe_key *key;
};

struct kept {
    struct sframe_key *key;
    uint64_t generation, step;
    uint64_t until_us;
};

struct sframe_chain {
    const struct sframe_suite_info *suite;
    struct aead_engine *engine;
    enum sframe_use use;
    unsigned bits; /* R */
    struct link head;
    struct kept kept[SFRAME_CHAIN_KEPT]; /* the youngest first */
};

static void link_fini(struct link *l)
{
    sframe_key_free(l->key);
    wipe(l, sizeof *l);
}

/* KID = (generation << R) + step % 2^R */
static uint64_t kid_of(const struct sframe_chain *c, const struct link *l)
{
    return l->generation << c->bits | (l->step & ((1u << c->bits) - 1));
}

static int link_ready(struct sframe_chain *c, struct link *l)
{
    return sframe_key_new(c->engine, c->suite, &l->secret, kid_of(c, l), c->use, SFRAME_INSIDE,
                          &l->key);
}

static int link_start(struct sframe_chain *c, uint64_t generation, uint64_t step,
                      struct bytes base_key, struct link *out)
{
    if (base_key.n < SFRAME_BASE_KEY_MIN || generation >> (64 - c->bits) != 0 || step >= STEPS_MAX)
        return CONCLAVE_EINVAL;
    out->generation = generation;
    out->step = step;
    int rv = sframe_secret(c->engine, c->suite, base_key, &out->secret);
    return rv != 0 ? rv : link_ready(c, out);
}

/* base_key[i+1] = HKDF-Expand(HKDF-Extract("", base_key[i]), "SFrame 1.0 Ratchet", Nh) */
static int link_forward(struct sframe_chain *c, const struct link *from, uint64_t steps,
                        struct link *out)
{
    struct secret base_key = {0};
    int rv = from->step >= STEPS_MAX - steps ? CONCLAVE_EEXHAUSTED : 0;
    out->generation = from->generation;
    out->step = from->step + steps;
    out->secret = from->secret;
    for (uint64_t i = 0; rv == 0 && i < steps; i++) {
        rv = sframe_ratchet(c->engine, c->suite, &out->secret, &base_key);
        if (rv == 0)
            rv = sframe_secret(c->engine, c->suite, secret_view(&base_key), &out->secret);
    }
    secret_wipe(&base_key);
    return rv != 0 ? rv : link_ready(c, out);
}

static uint64_t half_window(const struct sframe_chain *c)
{
    return (uint64_t)1 << (c->bits - 1);
}

static void kept_free(struct kept *k)
{
    sframe_key_free(k->key);
    k->key = NULL;
}

/* A KID comes again every 2^R steps, and up to half of them ahead it stands for a step to come:
 * what is further behind than the other half would be found in its place. */
static void forget_ambiguous(struct sframe_chain *c)
{
    for (size_t i = 0; i < SFRAME_CHAIN_KEPT; i++) {
        struct kept *k = &c->kept[i];
        if (k->generation == c->head.generation && c->head.step - k->step >= half_window(c))
            kept_free(k);
    }
}

/* The new head; the former one opens a while longer, or is gone if it sealed. */
static void advance(struct sframe_chain *c, struct link *fresh, uint64_t now_us)
{
    struct kept former = {c->head.key, c->head.generation, c->head.step,
                          now_us > UINT64_MAX - SFRAME_GRACE_US ? UINT64_MAX
                                                                : now_us + SFRAME_GRACE_US};
    c->head.key = NULL;
    link_fini(&c->head);
    c->head = *fresh;
    fresh->key = NULL;
    if (c->use == SFRAME_SEALING) {
        kept_free(&former);
        return;
    }
    kept_free(&c->kept[SFRAME_CHAIN_KEPT - 1]);
    memmove(c->kept + 1, c->kept, sizeof c->kept - sizeof c->kept[0]);
    c->kept[0] = former;
    forget_ambiguous(c);
}

/* The sender has moved on by some steps, and proved it: those in between are made as well, since
 * their frames may be late. Without memory for that, these are lost, and no other. */
static void advance_by_steps(struct sframe_chain *c, struct link *fresh, uint64_t now_us)
{
    int rv = 0;
    while (rv == 0 && c->head.step + 1 < fresh->step) {
        struct link between = {0};
        rv = link_forward(c, &c->head, 1, &between);
        if (rv == 0)
            advance(c, &between, now_us);
        link_fini(&between);
    }
    advance(c, fresh, now_us);
}

static void forget_old(struct sframe_chain *c, uint64_t now_us)
{
    for (size_t i = 0; i < SFRAME_CHAIN_KEPT; i++) {
        if (c->kept[i].key == NULL || c->kept[i].until_us > now_us)
            continue;
        kept_free(&c->kept[i]);
    }
}

int sframe_chain_new(uint16_t suite, enum sframe_use use, unsigned ratchet_bits,
                     uint64_t generation, uint64_t step, struct bytes base_key,
                     struct sframe_chain **out)
{
    const struct sframe_suite_info *s = sframe_suite_find(suite);
    if (s == NULL)
        return CONCLAVE_ESUITE;
    if (ratchet_bits < 1 || ratchet_bits > RATCHET_BITS_MAX)
        return CONCLAVE_EINVAL;
    struct sframe_chain *c = calloc(1, sizeof *c);
    if (c == NULL)
        return CONCLAVE_ENOMEM;
    c->suite = s;
    c->use = use;
    c->bits = ratchet_bits;
    int rv = aead_engine_new(AEAD_BEST, &c->engine);
    if (rv == 0)
        rv = link_start(c, generation, step, base_key, &c->head);
    if (rv != 0) {
        sframe_chain_free(c);
        return rv;
    }
    *out = c;
    return 0;
}

void sframe_chain_free(struct sframe_chain *c)
{
    if (c == NULL)
        return;
    link_fini(&c->head);
    for (size_t i = 0; i < SFRAME_CHAIN_KEPT; i++)
        kept_free(&c->kept[i]);
    aead_engine_free(c->engine);
    free(c);
}

int sframe_chain_rekey(struct sframe_chain *c, uint64_t generation, struct bytes base_key,
                       uint64_t now_us)
{
    struct link fresh = {0};
    if (generation <= c->head.generation)
        return CONCLAVE_EINVAL;
    int rv = link_start(c, generation, 0, base_key, &fresh);
    if (rv == 0)
        advance(c, &fresh, now_us);
    link_fini(&fresh);
    return rv;
}

int sframe_chain_ratchet(struct sframe_chain *c)
{
    struct link fresh = {0};
    if (c->use != SFRAME_SEALING)
        return CONCLAVE_ESTATE;
    int rv = link_forward(c, &c->head, 1, &fresh);
    if (rv == 0)
        advance(c, &fresh, 0);
    link_fini(&fresh);
    return rv;
}

int sframe_chain_used(const struct sframe_chain *c, struct sframe_used *out)
{
    if (c->use != SFRAME_SEALING)
        return CONCLAVE_ESTATE;
    *out = sframe_key_used(c->head.key);
    return 0;
}

int sframe_chain_skip(struct sframe_chain *c, const struct sframe_used *used)
{
    return c->use == SFRAME_SEALING ? sframe_key_skip(c->head.key, used) : CONCLAVE_ESTATE;
}

int sframe_chain_seal(struct sframe_chain *c, struct bytes metadata, struct bytes plain,
                      uint8_t *out, size_t cap, size_t *out_n)
{
    if (c->use != SFRAME_SEALING)
        return CONCLAVE_ESTATE;
    return sframe_key_seal(c->head.key, metadata, plain, out, cap, out_n);
}

static struct sframe_key *find_ready(struct sframe_chain *c, uint64_t kid)
{
    if (c->head.key->kid == kid)
        return c->head.key;
    for (size_t i = 0; i < SFRAME_CHAIN_KEPT; i++)
        if (c->kept[i].key != NULL && c->kept[i].key->kid == kid)
            return c->kept[i].key;
    return NULL;
}

/* How far ahead a KID is: at most half the window, the rest is behind. 0: not this way, or too far
 * to go for a frame that nobody has authenticated. */
static uint64_t steps_ahead(const struct sframe_chain *c, uint64_t kid)
{
    uint64_t mask = (1u << c->bits) - 1;
    uint64_t ahead = (kid - c->head.step) & mask;
    if (kid >> c->bits != c->head.generation || ahead > half_window(c) ||
        ahead > SFRAME_CHAIN_AHEAD)
        return 0;
    return ahead;
}

int sframe_chain_open(struct sframe_chain *c, struct bytes metadata, struct bytes frame,
                      uint64_t now_us, uint8_t *out, size_t cap, size_t *out_n,
                      struct sframe_header *out_header)
{
    struct sframe_header h;
    size_t header_n;
    struct link fresh = {0};
    if (c->use != SFRAME_OPENING)
        return CONCLAVE_ESTATE;
    forget_old(c, now_us);
    int rv = sframe_header_read(frame, &h, &header_n);
    if (rv == 0)
        rv = sframe_frame_check(c->suite->nt, header_n, metadata, frame, cap);
    if (rv != 0)
        return rv;
    struct sframe_key *key = find_ready(c, h.kid);
    if (key == NULL) {
        uint64_t ahead = steps_ahead(c, h.kid);
        rv = ahead == 0 ? CONCLAVE_EUNKNOWNKEY : link_forward(c, &c->head, ahead, &fresh);
        key = fresh.key;
    }
    if (rv == 0)
        rv = sframe_key_open(key, h.ctr, header_n, metadata, frame, out, out_n);
    if (rv == 0 && fresh.key != NULL)
        advance_by_steps(c, &fresh, now_us);
    if (rv == 0 && out_header != NULL)
        *out_header = h;
    link_fini(&fresh);
    return rv;
}
