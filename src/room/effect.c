#include "room/effect.h"

#include <stdlib.h>

#include "base/checked.h"

/* ---- Frames ---- */

struct room_frame {
    size_t refs;
    struct buf bytes;
    struct room_frame *rest; /* what comes after; or NULL */
};

int room_frame_take(struct buf *bytes, struct room_frame **out)
{
    struct room_frame *f = calloc(1, sizeof *f);
    if (f == NULL)
        return CONCLAVE_ENOMEM;
    f->refs = 1;
    buf_move(&f->bytes, bytes);
    *out = f;
    return 0;
}

int room_frame_new(const struct signal_message *m, struct room_frame **out)
{
    struct buf bytes = {0};
    int rv = signal_write(m, &bytes);
    if (rv == 0)
        rv = room_frame_take(&bytes, out);
    buf_free(&bytes);
    return rv;
}

int room_frame_new_with(const struct signal_message *m, struct room_frame *rest,
                        struct room_frame **out)
{
    struct room_frame *f = NULL;
    struct buf head = {0};
    int rv = signal_write_head(m, &head);
    if (rv == 0)
        rv = room_frame_take(&head, &f);
    if (rv == 0) {
        f->rest = room_frame_share(rest);
        *out = f;
    }
    buf_free(&head);
    return rv;
}

struct bytes room_frame_tail(const struct room_frame *f, size_t n)
{
    return bytes_of(f->bytes.p + f->bytes.n - n, n);
}

struct bytes room_frame_head(const struct room_frame *f)
{
    return buf_view(&f->bytes);
}

struct bytes room_frame_rest(const struct room_frame *f)
{
    return f->rest != NULL ? buf_view(&f->rest->bytes) : bytes_of(NULL, 0);
}

size_t room_frame_size(const struct room_frame *f)
{
    return f->bytes.n + room_frame_rest(f).n;
}

void room_frame_put(const struct room_frame *f, struct buf *out)
{
    buf_put(out, room_frame_head(f));
    buf_put(out, room_frame_rest(f));
}

struct room_frame *room_frame_share(struct room_frame *f)
{
    f->refs++;
    return f;
}

void room_frame_free(struct room_frame *f)
{
    if (f == NULL || --f->refs != 0)
        return;
    room_frame_free(f->rest);
    buf_free(&f->bytes);
    free(f);
}

struct room_frame *room_fault_frame(int reason)
{
    struct signal_message m = {.type = SIGNAL_FAULT, .reason = (uint16_t)reason};
    struct room_frame *f = NULL;
    return room_frame_new(&m, &f) == 0 ? f : NULL;
}

int room_media_frame(struct bytes body, struct room_frame **out)
{
    return room_frame_new(&(struct signal_message){.type = SIGNAL_MEDIA_OF, .body = body}, out);
}

/* ---- Receivers ---- */

struct audience *room_audience_new(size_t n)
{
    size_t bytes;
    if (!checked_mul(n, sizeof(uint64_t), &bytes) ||
        !checked_add(bytes, sizeof(struct audience), &bytes))
        return NULL;
    struct audience *a = malloc(bytes);
    if (a == NULL)
        return NULL;
    a->refs = 1;
    a->n = n;
    return a;
}

struct audience *room_audience_share(struct audience *a)
{
    a->refs++;
    return a;
}

void room_audience_free(struct audience *a)
{
    if (a != NULL && --a->refs == 0)
        free(a);
}

/* ---- The queue ---- */

static void effect_fini(struct effect *e)
{
    room_frame_free(e->e.frame);
    room_audience_free(e->to);
    buf_free(&e->data);
    *e = (struct effect){0};
}

void room_effects_fini(struct effects *q)
{
    effect_fini(&q->taken);
    for (; q->n != 0; q->n--)
        effect_fini(&q->ring[q->head++ & (q->cap - 1)]);
    free(q->ring);
    *q = (struct effects){0};
}

int room_effects_reserve(struct effects *q, size_t n)
{
    size_t cap = q->cap == 0 ? 16 : q->cap, need;
    if (!checked_add(q->n, n, &need))
        return CONCLAVE_ENOMEM;
    while (cap < need)
        if (!checked_mul(cap, 2, &cap))
            return CONCLAVE_ENOMEM;
    if (cap == q->cap)
        return 0;
    struct effect *ring = calloc(cap, sizeof *ring);
    if (ring == NULL)
        return CONCLAVE_ENOMEM;
    for (size_t i = 0; i < q->n; i++)
        ring[i] = q->ring[(q->head + i) & (q->cap - 1)];
    free(q->ring);
    q->ring = ring;
    q->head = 0;
    q->cap = cap;
    return 0;
}

static struct effect *put(struct effects *q, enum room_effect_kind kind)
{
    struct effect *e = &q->ring[(q->head + q->n++) & (q->cap - 1)];
    *e = (struct effect){.e.kind = kind};
    return e;
}

void room_effects_send(struct effects *q, struct audience *to, struct room_frame *f)
{
    struct effect *e = put(q, ROOM_SEND);
    e->e.frame = room_frame_share(f);
    e->to = room_audience_share(to);
}

void room_effects_media(struct effects *q, uint64_t conn, uint32_t leaf, struct buf *data)
{
    struct effect *e = put(q, ROOM_MEDIA);
    e->one = conn;
    e->e.leaf = leaf;
    buf_move(&e->data, data);
}

void room_effects_send_one(struct effects *q, uint64_t conn, struct room_frame *f)
{
    struct effect *e = put(q, ROOM_SEND);
    e->e.frame = room_frame_share(f);
    e->one = conn;
}

void room_effects_close(struct effects *q, uint64_t conn, int reason)
{
    struct effect *e = put(q, ROOM_CLOSE);
    e->e.reason = reason;
    e->one = conn;
}

void room_effects_store(struct effects *q, enum room_effect_kind kind, uint64_t epoch,
                        struct buf *data)
{
    struct effect *e = put(q, kind);
    e->e.epoch = epoch;
    if (data != NULL)
        buf_move(&e->data, data);
}

void room_effects_log(struct effects *q, enum room_event event, uint32_t leaf)
{
    struct effect *e = put(q, ROOM_LOG);
    e->e.reason = (int)event;
    e->e.leaf = leaf;
}

/* The views are set here, because an effect moves when the ring grows. */
bool room_effects_next(struct effects *q, struct room_effect *out)
{
    effect_fini(&q->taken);
    if (q->n == 0)
        return false;
    q->taken = q->ring[q->head & (q->cap - 1)];
    q->head = (q->head + 1) & (q->cap - 1);
    q->n--;
    struct room_effect *e = &q->taken.e;
    if (e->kind == ROOM_SEND || e->kind == ROOM_CLOSE || e->kind == ROOM_MEDIA) {
        e->conns = q->taken.to != NULL ? q->taken.to->conns : &q->taken.one;
        e->n_conns = q->taken.to != NULL ? q->taken.to->n : 1;
    }
    e->data = buf_view(&q->taken.data);
    *out = *e;
    return true;
}
