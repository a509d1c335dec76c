#include "room/history.h"

#include <stdlib.h>

#include "room/limits.h"
#include "wire/reader.h"
#include "wire/writer.h"

int room_kept_new(enum signal_type type, struct bytes message, struct kept *out)
{
    struct signal_message m = {.type = type, .body = message};
    struct kept k = {.n = message.n};
    int rv = room_frame_new(&m, &k.frame);
    if (rv == 0)
        *out = k;
    return rv;
}

void room_kept_fini(struct kept *k)
{
    room_frame_free(k->frame);
    *k = (struct kept){0};
}

void room_kept_list_fini(struct kept_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        room_kept_fini(&l->p[i]);
    free(l->p);
    *l = (struct kept_list){0};
}

int room_kept_list_reserve(struct kept_list *l)
{
    if (l->n < l->cap)
        return 0;
    size_t cap = l->cap == 0 ? 8 : l->cap * 2;
    struct kept *bigger = realloc(l->p, cap * sizeof *bigger);
    if (bigger == NULL)
        return CONCLAVE_ENOMEM;
    l->p = bigger;
    l->cap = cap;
    return 0;
}

void room_kept_list_put(struct kept_list *l, struct kept *k)
{
    l->bytes += k->n;
    l->p[l->n++] = *k;
    *k = (struct kept){0};
}

/* ---- Records ---- */

void room_record_fini(struct record *r)
{
    room_kept_list_fini(&r->proposals);
    room_kept_fini(&r->commit);
    *r = (struct record){0};
}

static size_t record_bytes(const struct record *r)
{
    return r->proposals.bytes + r->commit.n;
}

void room_record_write(const struct record *r, struct buf *out)
{
    write_u64(out, r->epoch);
    write_u64(out, r->at);
    size_t mark = write_vec_begin(out);
    for (size_t i = 0; i < r->proposals.n; i++)
        write_vec(out, kept_message(&r->proposals.p[i]));
    write_vec_end(out, mark);
    write_vec(out, kept_message(&r->commit));
}

static int read_proposals(struct reader *r, struct kept_list *out)
{
    int rv = 0;
    while (rv == 0 && reader_left(r) != 0) {
        struct bytes message = read_vec(r);
        struct kept k = {0};
        rv = reader_ok(r) ? room_kept_list_reserve(out) : CONCLAVE_ESYNTAX;
        if (rv == 0)
            rv = room_kept_new(SIGNAL_PROPOSED, message, &k);
        if (rv == 0)
            room_kept_list_put(out, &k);
    }
    return rv;
}

int room_record_read(struct bytes data, struct record *out)
{
    struct reader r = reader_of(data);
    struct record made = {.epoch = read_u64(&r), .at = read_u64(&r)};
    struct reader proposals = read_sub(&r);
    struct bytes commit = read_vec(&r);
    int rv = reader_end(&r);
    if (rv == 0)
        rv = read_proposals(&proposals, &made.proposals);
    if (rv == 0)
        rv = room_kept_new(SIGNAL_COMMITTED, commit, &made.commit);
    if (rv != 0) {
        room_record_fini(&made);
        return rv;
    }
    *out = made;
    return 0;
}

/* ---- History ---- */

static struct record *at(const struct history *h, size_t i)
{
    return &h->ring[(h->head + i) & (h->cap - 1)];
}

static void drop_oldest(struct history *h)
{
    h->bytes -= record_bytes(at(h, 0));
    room_record_fini(at(h, 0));
    h->head = (h->head + 1) & (h->cap - 1);
    h->n--;
}

void room_history_fini(struct history *h)
{
    while (h->n != 0)
        drop_oldest(h);
    free(h->ring);
    *h = (struct history){0};
}

int room_history_reserve(struct history *h)
{
    if (h->n < h->cap)
        return 0;
    size_t cap = h->cap == 0 ? 16 : h->cap * 2;
    struct record *ring = calloc(cap, sizeof *ring);
    if (ring == NULL)
        return CONCLAVE_ENOMEM;
    for (size_t i = 0; i < h->n; i++)
        ring[i] = *at(h, i);
    free(h->ring);
    h->ring = ring;
    h->head = 0;
    h->cap = cap;
    return 0;
}

void room_history_put(struct history *h, struct record *r)
{
    h->bytes += record_bytes(r);
    h->n++;
    *at(h, h->n - 1) = *r;
    *r = (struct record){0};
    while (h->n > 1 && (h->n > ROOM_HISTORY_COMMITS || h->bytes > ROOM_HISTORY_BYTES))
        drop_oldest(h);
}

void room_history_pop(struct history *h, struct record *out)
{
    struct record *newest = at(h, h->n - 1);
    h->bytes -= record_bytes(newest);
    *out = *newest;
    *newest = (struct record){0};
    h->n--;
}

const struct record *room_history_at(const struct history *h, size_t i)
{
    return at(h, i);
}

size_t room_history_find(const struct history *h, uint64_t epoch)
{
    if (h->n == 0 || epoch < at(h, 0)->epoch || epoch - at(h, 0)->epoch >= h->n)
        return h->n;
    return (size_t)(epoch - at(h, 0)->epoch);
}
