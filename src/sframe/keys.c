#include "sframe/keys.h"

#include <stdlib.h>
#include <string.h>

#include "base/wipe.h"
#include "sframe/limits.h"

#define BARRED 0xff
#define NEVER UINT64_MAX

static size_t epochs_max(const struct sframe_keys *k)
{
    return (size_t)1 << k->epoch_bits;
}

int keys_new_with(uint16_t suite, unsigned epoch_bits, enum sframe_mode mode,
                  enum aead_choice choice, struct sframe_keys **out)
{
    const struct sframe_suite_info *s = sframe_suite_find(suite);
    if (s == NULL)
        return CONCLAVE_ESUITE;
    if (epoch_bits < 1 || epoch_bits > SFRAME_EPOCH_BITS_MAX)
        return CONCLAVE_EINVAL;
    struct sframe_keys *k = calloc(1, sizeof *k + ((size_t)1 << epoch_bits) * sizeof k->epochs[0]);
    if (k == NULL)
        return CONCLAVE_ENOMEM;
    k->suite = s;
    k->epoch_bits = epoch_bits;
    k->mode = mode;
    k->deadline = NEVER;
    int rv = aead_engine_new(choice, &k->engine);
    if (rv != 0) {
        sframe_keys_free(k);
        return rv;
    }
    k->table.seed = aead_engine_seed(k->engine);
    *out = k;
    return 0;
}

int sframe_keys_new(uint16_t suite, unsigned epoch_bits, enum sframe_mode mode,
                    struct sframe_keys **out)
{
    return keys_new_with(suite, epoch_bits, mode, AEAD_BEST, out);
}

static void epoch_fini(struct epoch *e)
{
    free(e->contexts);
    wipe(e, sizeof *e);
}

void sframe_keys_free(struct sframe_keys *k)
{
    if (k == NULL)
        return;
    sframe_table_fini(&k->table);
    for (size_t i = 0; i < epochs_max(k); i++)
        epoch_fini(&k->epochs[i]);
    aead_engine_free(k->engine);
    free(k);
}

/* RFC 9605 5.2: KID = context | index | epoch */
static uint64_t kid_write(const struct sframe_keys *k, const struct epoch *e, uint64_t context)
{
    uint64_t low = e->id & (epochs_max(k) - 1);
    return context << (e->index_bits + k->epoch_bits) | (uint64_t)e->own_leaf << k->epoch_bits |
           low;
}

static bool context_fits(const struct sframe_keys *k, const struct epoch *e, uint64_t context)
{
    return context >> (64 - e->index_bits - k->epoch_bits) == 0;
}

static struct kid_parts kid_read(const struct sframe_keys *k, const struct epoch *e, uint64_t kid)
{
    uint64_t rest = kid >> k->epoch_bits;
    return (struct kid_parts){rest >> e->index_bits,
                              (uint32_t)(rest & (((uint64_t)1 << e->index_bits) - 1))};
}

void keys_info(struct sframe_keys *k, const struct sframe_header *h, struct sframe_info *out)
{
    const struct epoch *e = keys_epoch(k, h->kid);
    struct kid_parts p = kid_read(k, e, h->kid);
    *out = (struct sframe_info){h->kid, h->ctr, e->id, p.context, p.leaf};
}

struct whose {
    const struct sframe_keys *keys;
    const struct epoch *epoch;
    uint32_t leaf;
};

static bool of_epoch(const void *ctx, uint64_t kid)
{
    const struct whose *w = ctx;
    size_t slot = (size_t)(w->epoch - w->keys->epochs);
    return (kid & (epochs_max(w->keys) - 1)) == slot;
}

static bool of_leaf(const void *ctx, uint64_t kid)
{
    const struct whose *w = ctx;
    return of_epoch(ctx, kid) && kid_read(w->keys, w->epoch, kid).leaf == w->leaf;
}

static void epoch_drop(struct sframe_keys *k, struct epoch *e)
{
    struct whose w = {k, e, 0};
    if (k->sending == e)
        k->sending = NULL;
    (void)sframe_table_drop(&k->table, of_epoch, &w);
    epoch_fini(e);
}

/* Which epoch is sealed in, and when the next change is due. Never one before that sealed in last:
 * somebody may have been removed in between, who has the older one's key. */
static void schedule(struct sframe_keys *k, uint64_t now_us)
{
    struct epoch *best = NULL, *newest = NULL;
    k->deadline = NEVER;
    for (size_t i = 0; i < epochs_max(k); i++) {
        struct epoch *e = &k->epochs[i];
        if (!e->live)
            continue;
        if (newest == NULL || e->id > newest->id)
            newest = e;
        if (e->send_from_us <= now_us && e->id >= k->sent_in && (best == NULL || e->id > best->id))
            best = e;
        if (e->send_from_us > now_us && e->send_from_us < k->deadline)
            k->deadline = e->send_from_us;
        if (e->retire_us < k->deadline)
            k->deadline = e->retire_us;
    }
    k->sending = best != NULL ? best : newest;
    if (k->sending != NULL)
        k->sent_in = k->sending->id;
}

void sframe_keys_tick(struct sframe_keys *k, uint64_t now_us)
{
    if (now_us < k->deadline)
        return;
    for (size_t i = 0; i < epochs_max(k); i++)
        if (k->epochs[i].live && k->epochs[i].retire_us <= now_us)
            epoch_drop(k, &k->epochs[i]);
    schedule(k, now_us);
}

uint64_t sframe_keys_deadline(const struct sframe_keys *k)
{
    return k->deadline;
}

static uint8_t index_bits(uint32_t group_size)
{
    return group_size <= 1 ? 0 : (uint8_t)(32 - __builtin_clz(group_size - 1));
}

static uint64_t later(uint64_t now_us, uint64_t by)
{
    return now_us > NEVER - by ? NEVER : now_us + by;
}

/* Keys that open in all epochs but the newest; *out_oldest is the first of these epochs. */
static size_t followed_keys(struct sframe_keys *k, struct epoch **out_oldest)
{
    size_t n = 0;
    *out_oldest = NULL;
    for (size_t i = 0; i < epochs_max(k); i++) {
        struct epoch *e = &k->epochs[i];
        if (!e->live || e->id == k->newest)
            continue;
        n += e->opening;
        if (*out_oldest == NULL || e->id < (*out_oldest)->id)
            *out_oldest = e;
    }
    return n;
}

/* Each epoch whole: its replay windows must not go while its frames still open. */
static void drop_oldest_until_they_fit(struct sframe_keys *k)
{
    struct epoch *oldest = NULL;
    while (followed_keys(k, &oldest) > SFRAME_KEYS_MAX)
        epoch_drop(k, oldest);
}

/* After a removal all of them end sooner: the removed member can still forge frames in each. */
static void retire_followed(struct sframe_keys *k, enum sframe_switch change, uint64_t now_us)
{
    uint64_t grace = change == SFRAME_SWITCH_NOW ? SFRAME_GRACE_REMOVAL_US : SFRAME_GRACE_US;
    uint64_t end = later(now_us, grace);
    for (size_t i = 0; i < epochs_max(k); i++)
        if (k->epochs[i].live && k->epochs[i].retire_us > end)
            k->epochs[i].retire_us = end;
}

/* The epoch is made beside the others; only then they change. */
int sframe_keys_add_epoch(struct sframe_keys *k, const struct sframe_epoch *epoch, uint64_t now_us)
{
    if ((k->sending != NULL && epoch->id <= k->newest) || epoch->group_size == 0 ||
        epoch->group_size > SFRAME_GROUP_MAX || epoch->own_leaf >= epoch->group_size ||
        epoch->base_key.n < SFRAME_BASE_KEY_MIN)
        return CONCLAVE_EINVAL;
    bool at_once = epoch->change == SFRAME_SWITCH_NOW || k->sending == NULL;
    struct epoch fresh = {.live = true,
                          .index_bits = index_bits(epoch->group_size),
                          .group_size = epoch->group_size,
                          .own_leaf = epoch->own_leaf,
                          .id = epoch->id,
                          .send_from_us = at_once ? now_us : later(now_us, SFRAME_SWITCH_DELAY_US),
                          .retire_us = NEVER,
                          .contexts = calloc(epoch->group_size, 1)};
    int rv = fresh.contexts == NULL ? CONCLAVE_ENOMEM : 0;
    if (rv == 0)
        rv = sframe_secret(k->engine, k->suite, epoch->base_key, &fresh.secret);
    if (rv != 0)
        goto out;
    retire_followed(k, epoch->change, now_us);
    struct epoch *place = keys_epoch(k, fresh.id);
    if (place->live) /* RFC 9605 5.2-1: the old one with the same low bits goes */
        epoch_drop(k, place);
    *place = fresh;
    fresh.contexts = NULL;
    k->newest = epoch->id;
    drop_oldest_until_they_fit(k);
    k->deadline = 0; /* look through all */
    sframe_keys_tick(k, now_us);
out:
    epoch_fini(&fresh);
    return rv;
}

void sframe_keys_bar_leaf(struct sframe_keys *k, uint32_t leaf, uint64_t before)
{
    for (size_t i = 0; i < epochs_max(k); i++) {
        struct epoch *e = &k->epochs[i];
        if (!e->live || e->id >= before || leaf >= e->group_size || leaf == e->own_leaf)
            continue;
        struct whose w = {k, e, leaf};
        e->contexts[leaf] = BARRED;
        e->opening -= sframe_table_drop(&k->table, of_leaf, &w);
    }
}

int sframe_keys_sending(struct sframe_keys *k, uint64_t now_us, uint64_t *out_id)
{
    sframe_keys_tick(k, now_us);
    if (k->sending == NULL)
        return CONCLAVE_ESTATE;
    *out_id = k->sending->id;
    return 0;
}

static int make(struct sframe_keys *k, const struct epoch *e, uint32_t leaf, uint64_t kid,
                enum sframe_use use, struct sframe_key **out)
{
    if (e->contexts[leaf] >= SFRAME_CONTEXTS_MAX)
        return CONCLAVE_ELIMIT;
    int rv = sframe_table_reserve(&k->table);
    if (rv == 0)
        rv = sframe_key_new(k->engine, k->suite, &e->secret, kid, use, k->mode, out);
    return rv;
}

static void adopt(struct sframe_keys *k, struct sframe_key *key)
{
    struct epoch *e = keys_epoch(k, key->kid);
    e->contexts[kid_read(k, e, key->kid).leaf]++;
    e->opening += key->use == SFRAME_OPENING;
    sframe_table_put(&k->table, key);
}

/* Whether a key's AEAD had to make room for others. */
static bool is_disarmed(const struct sframe_keys *k, const struct sframe_key *key)
{
    return key->aead == NULL && k->mode == SFRAME_INSIDE;
}

/* The KID of a context in the epoch that seals now. */
static int sending_kid(struct sframe_keys *k, uint64_t context, uint64_t now_us, uint64_t *out)
{
    sframe_keys_tick(k, now_us);
    if (k->sending == NULL)
        return CONCLAVE_ESTATE;
    if (!context_fits(k, k->sending, context))
        return CONCLAVE_EINVAL;
    *out = kid_write(k, k->sending, context);
    return 0;
}

/* Counters live in the key, and the key as long as its epoch: so a context cannot begin anew in
 * the same epoch, and only the own leaf seals: RFC 9605 9.1-1, 9.2-1, 4.4.1-1 and 4.1-1. */
int keys_sealing(struct sframe_keys *k, uint64_t context, uint64_t now_us, struct sframe_key **out)
{
    uint64_t kid;
    int rv = sending_kid(k, context, now_us, &kid);
    if (rv != 0)
        return rv;
    const struct epoch *e = k->sending;
    struct sframe_key *key = sframe_table_get(&k->table, kid);
    if (key == NULL) {
        rv = make(k, e, e->own_leaf, kid, SFRAME_SEALING, &key);
        if (rv == 0)
            adopt(k, key);
    } else if (is_disarmed(k, key)) {
        rv = sframe_key_rearm(k->engine, k->suite, &e->secret, key);
        if (rv == 0)
            sframe_table_armed(&k->table, key);
    }
    if (rv != 0)
        return rv;
    key->recent = true;
    *out = key;
    return 0;
}

static int make_opening(struct sframe_keys *k, uint64_t kid, struct sframe_key **out)
{
    const struct epoch *e = keys_epoch(k, kid);
    struct epoch *oldest;
    if (!e->live)
        return CONCLAVE_EUNKNOWNKEY;
    struct kid_parts p = kid_read(k, e, kid);
    /* RFC 9605 4.4.1-2: what the own leaf sealed is not opened, so nobody reflects it to us */
    if (p.leaf >= e->group_size || p.leaf == e->own_leaf || e->contexts[p.leaf] == BARRED)
        return CONCLAVE_ESENDER;
    /* the newest epoch has its share to itself: nobody removed can have filled it */
    if ((e->id == k->newest ? e->opening : followed_keys(k, &oldest)) >= SFRAME_KEYS_MAX)
        return CONCLAVE_ELIMIT;
    return make(k, e, p.leaf, kid, SFRAME_OPENING, out);
}

int keys_opening(struct sframe_keys *k, const struct sframe_header *h, struct keys_turn *out)
{
    struct sframe_key *key = sframe_table_get(&k->table, h->kid);
    int rv = 0;
    *out = (struct keys_turn){.key = key, .fresh = key == NULL};
    if (key == NULL)
        return make_opening(k, h->kid, &out->key);
    if (key->use != SFRAME_OPENING)
        return CONCLAVE_ESENDER;
    if (!is_disarmed(k, key))
        return 0;
    if (!replay_check(&key->window, h->ctr)) /* spares making the AEAD */
        return CONCLAVE_EREPLAY;
    rv = sframe_key_rearm(k->engine, k->suite, &keys_epoch(k, h->kid)->secret, key);
    out->rearmed = rv == 0;
    return rv;
}

void keys_opened(struct sframe_keys *k, const struct keys_turn *turn, bool opened)
{
    struct sframe_key *key = turn->key;
    if (opened) {
        key->recent = true;
        if (turn->fresh)
            adopt(k, key);
        else if (turn->rearmed)
            sframe_table_armed(&k->table, key);
    } else if (turn->fresh) {
        sframe_key_free(key);
    } else if (turn->rearmed) {
        aead_free(key->aead);
        key->aead = NULL;
    }
}

int sframe_keys_skip(struct sframe_keys *k, uint64_t context, const struct sframe_used *used,
                     uint64_t now_us)
{
    struct sframe_key *key = NULL;
    int rv = keys_sealing(k, context, now_us, &key);
    return rv != 0 ? rv : sframe_key_skip(key, used);
}

int sframe_keys_used(struct sframe_keys *k, uint64_t context, uint64_t now_us,
                     struct sframe_used *out)
{
    uint64_t kid;
    int rv = sending_kid(k, context, now_us, &kid);
    if (rv != 0)
        return rv;
    const struct sframe_key *key = sframe_table_get(&k->table, kid);
    *out = key != NULL ? sframe_key_used(key) : (struct sframe_used){0};
    return 0;
}

int sframe_seal(struct sframe_keys *k, uint64_t context, struct bytes metadata, struct bytes plain,
                uint64_t now_us, uint8_t *out, size_t cap, size_t *out_n)
{
    struct sframe_key *key = NULL;
    if (k->mode != SFRAME_INSIDE)
        return CONCLAVE_ESTATE;
    int rv = keys_sealing(k, context, now_us, &key);
    return rv != 0 ? rv : sframe_key_seal(key, metadata, plain, out, cap, out_n);
}

int sframe_open(struct sframe_keys *k, struct bytes metadata, struct bytes frame, uint64_t now_us,
                uint8_t *out, size_t cap, size_t *out_n, struct sframe_info *out_info)
{
    struct sframe_header h;
    size_t header_n;
    struct keys_turn turn;
    if (k->mode != SFRAME_INSIDE)
        return CONCLAVE_ESTATE;
    sframe_keys_tick(k, now_us);
    int rv = sframe_header_read(frame, &h, &header_n);
    if (rv == 0)
        rv = sframe_frame_check(k->suite->nt, header_n, metadata, frame, cap);
    if (rv == 0)
        rv = keys_opening(k, &h, &turn);
    if (rv != 0)
        return rv;
    rv = sframe_key_open(turn.key, h.ctr, header_n, metadata, frame, out, out_n);
    keys_opened(k, &turn, rv == 0);
    if (rv == 0 && out_info != NULL)
        keys_info(k, &h, out_info);
    return rv;
}
