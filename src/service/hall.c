#include "service/hall.h"

#include <stdlib.h>
#include <string.h>

#include "base/ct.h"
#include "crypto/sha256.h"
#include "room/table.h"
#include "service/hall_room.h"
#include "service/limiter.h"
#include "signal/reason.h"
#include "signal/signal.h"

#define HELLOS_PER_MINUTE 30u
#define MINUTE_US UINT64_C(60000000)

/* One connection: greeting, until its Hello has found a room. */
struct visitor {
    struct table_link by_conn;
    uint64_t conn;
    struct hall_room *room; /* NULL: still greeting */
    bool media;             /* the media switch has heard of it */
    uint8_t address[LIMITER_ADDRESS];
    uint8_t address_n;
};

struct hall {
    struct hall_config config;
    struct hall_roots roots;
    struct limiter limiter;
    struct limiter_rule hellos;
    struct table visitors;
    struct hall_room *rooms; /* a list: a server has few meetings at a time, and each many frames */
    struct hall_totals totals;
};

/* ---- Life ---- */

int hall_new(const struct hall_config *config, struct hall **out)
{
    struct mix_seed seed;
    struct hall *h = calloc(1, sizeof *h);
    if (h == NULL)
        return CONCLAVE_ENOMEM;
    h->config = *config;
    uint32_t hellos =
        config->hellos_per_minute != 0 ? config->hellos_per_minute : HELLOS_PER_MINUTE;
    h->hellos =
        (struct limiter_rule){.kind = 1, .burst = hellos, .interval_us = MINUTE_US / hellos};
    int rv = crypto_random(config->crypto, (uint8_t *)&seed, sizeof seed);
    if (rv == 0)
        rv = limiter_init(&h->limiter, config->crypto);
    if (rv == 0)
        rv = hall_roots_init(&h->roots, config->public_roots);
    if (rv == 0)
        rv = room_table_init(&h->visitors, seed);
    if (rv != 0) {
        hall_free(h);
        return rv;
    }
    *out = h;
    return 0;
}

static struct visitor *visitor_of(const struct hall *h, uint64_t conn)
{
    struct table_link *k = h->visitors.heads == NULL ? NULL : room_table_find(&h->visitors, conn);
    return (struct visitor *)k; /* the link is its first member, conn is the key */
}

static void visitor_free(struct hall *h, struct visitor *v)
{
    if (v->media)
        h->config.out.media_gone(h->config.out.ctx, v->conn);
    room_table_take(&h->visitors, &v->by_conn);
    h->totals.connections--;
    free(v);
}

void hall_free(struct hall *h)
{
    if (h == NULL)
        return;
    while (h->rooms != NULL) {
        struct hall_room *next = h->rooms->next;
        hall_room_free(h->rooms);
        h->rooms = next;
    }
    for (size_t i = 0; i < h->visitors.cap && h->visitors.heads != NULL; i++)
        while (h->visitors.heads[i] != NULL)
            visitor_free(h, (struct visitor *)h->visitors.heads[i]);
    room_table_fini(&h->visitors);
    hall_roots_fini(&h->roots);
    free(h);
}

/* ---- Rooms' effects ---- */

static void close_visitor(struct hall *h, struct visitor *v, int reason)
{
    uint64_t conn = v->conn;
    visitor_free(h, v);
    h->config.out.close(h->config.out.ctx, conn, reason);
}

static void say_fault(struct hall *h, uint64_t conn, int reason)
{
    struct room_frame *fault = room_fault_frame(reason);
    h->totals.faults++;
    if (fault != NULL)
        h->config.out.send(h->config.out.ctx, conn, fault);
    room_frame_free(fault);
}

static void turn_away(struct hall *h, struct visitor *v, int reason)
{
    say_fault(h, v->conn, reason);
    close_visitor(h, v, reason);
}

static void send_frame(struct hall *h, const struct room_effect *e)
{
    size_t n = room_frame_size(e->frame);
    for (size_t i = 0; i < e->n_conns; i++)
        h->config.out.send(h->config.out.ctx, e->conns[i], e->frame);
    h->totals.frames_out += e->n_conns;
    h->totals.bytes_out += n * e->n_conns;
}

static int note(struct hall *h, const struct hall_room *r, const struct room_effect *e,
                uint64_t now_us)
{
    struct store_audit audit = {.at = now_us / 1000000};
    enum room_event event = (enum room_event)e->reason;
    hall_text(audit.actor, sizeof audit.actor, "room");
    hall_text(audit.action, sizeof audit.action, room_event_name(event));
    hall_text(audit.object, sizeof audit.object, r->number);
    int rv = store_audit_add(h->config.store, &audit);
    if (h->config.out.event != NULL)
        h->config.out.event(h->config.out.ctx, r->number, event);
    return rv;
}

static void pass_media(struct hall *h, const struct hall_room *r, const struct room_effect *e)
{
    struct visitor *v = visitor_of(h, e->conns[0]);
    if (v == NULL || h->config.out.media == NULL)
        return;
    v->media = true;
    h->config.out.media(h->config.out.ctx, r->number, v->conn, e->leaf, e->data);
}

static int carry_out(struct hall *h, struct hall_room *r, const struct room_effect *e,
                     uint64_t now_us)
{
    struct store *store = h->config.store;
    switch (e->kind) {
    case ROOM_SEND:
        send_frame(h, e);
        return 0;
    case ROOM_CLOSE:
        for (size_t i = 0; i < e->n_conns; i++)
            if (visitor_of(h, e->conns[i]) != NULL)
                close_visitor(h, visitor_of(h, e->conns[i]), e->reason);
        return 0;
    case ROOM_SNAPSHOT:
        return store_room_snapshot(store, r->number, e->data);
    case ROOM_COMMIT:
        return store_room_commit(store, r->number, e->epoch, e->data);
    case ROOM_UNDO:
        return store_room_undo(store, r->number, e->epoch);
    case ROOM_FORGET:
        return store_room_forget(store, r->number);
    case ROOM_MEDIA:
        pass_media(h, r, e);
        return 0;
    case ROOM_LOG:
        return note(h, r, e, now_us);
    default:
        return CONCLAVE_EINTERNAL;
    }
}

static void take_out(struct hall *h, struct hall_room *r)
{
    struct hall_room **at = &h->rooms;
    while (*at != r)
        at = &(*at)->next;
    *at = r->next;
    hall_room_free(r);
    h->totals.rooms--;
}

/* What could not be written down was not acknowledged: everybody comes back to what is on disk. */
static void give_up(struct hall *h, struct hall_room *r)
{
    for (size_t i = 0; i < h->visitors.cap; i++)
        for (struct table_link *k = h->visitors.heads[i]; k != NULL;) {
            struct visitor *v = (struct visitor *)k;
            k = k->next;
            if (v->room == r)
                turn_away(h, v, REASON_SERVER_ERROR);
        }
    take_out(h, r);
}

/* The switch looks at frames' key ids, so it has to know an epoch before members use it. */
static void tell_epoch(struct hall *h, struct hall_room *r)
{
    uint64_t epoch;
    uint32_t leaves;
    if (h->config.out.media_epoch == NULL || !room_epoch(r->room, &epoch, &leaves) ||
        (epoch == r->told_epoch && leaves == r->told_leaves))
        return;
    r->told_epoch = epoch;
    r->told_leaves = leaves;
    h->config.out.media_epoch(h->config.out.ctx, r->number, epoch, leaves);
}

/* Everything the room wants done, in its order; then, if nobody needs it, the room goes. */
static int settle(struct hall *h, struct hall_room *r, int rv, uint64_t now_us)
{
    struct room_effect e;
    if (rv == 0)
        tell_epoch(h, r);
    while (rv == 0 && room_next(r->room, &e))
        rv = carry_out(h, r, &e, now_us);
    if (rv != 0)
        give_up(h, r);
    else if (room_is_idle(r->room))
        take_out(h, r);
    return rv;
}

/* ---- Hello ---- */

static struct hall_room *room_alive(const struct hall *h, const char *number)
{
    struct hall_room *r = h->rooms;
    while (r != NULL && strcmp(r->number, number) != 0)
        r = r->next;
    return r;
}

static int room_for(struct hall *h, const struct store_meeting *m, uint64_t now_us,
                    struct hall_room **out)
{
    struct hall_room *r = room_alive(h, m->number);
    int rv = r == NULL ? hall_room_new(&h->config, &h->roots, m, now_us, &r) : 0;
    if (rv != 0)
        return rv;
    if (room_alive(h, m->number) == NULL) {
        r->next = h->rooms;
        h->rooms = r;
        h->totals.rooms++;
    }
    *out = r;
    return 0;
}

/* A number that does not exist costs the same hash and comparison as a wrong access. */
static bool may_know(const struct store_meeting *m, bool exists, struct bytes access, int *out_rv)
{
    static const uint8_t nobody[SHA256_SIZE];
    uint8_t hash[SHA256_SIZE];
    *out_rv = crypto_sha256(access, hash);
    bool same = *out_rv == 0 && ct_equal(bytes_of(hash, sizeof hash),
                                         bytes_of(exists ? m->access_hash : nobody, sizeof nobody));
    return exists && (m->open || same);
}

static int look_up(struct hall *h, const struct signal_message *hello, struct store_meeting *out,
                   bool *out_may)
{
    char number[sizeof out->number] = {0};
    bool exists = false;
    int rv = 0;
    if (hello->number.n == sizeof number - 1) {
        memcpy(number, hello->number.p, hello->number.n);
        rv = store_meeting_get(h->config.store, number, out);
        exists = rv == 0;
        rv = rv == CONCLAVE_ENOTFOUND ? 0 : rv;
    }
    if (rv == 0)
        *out_may = may_know(out, exists, hello->access, &rv);
    return rv;
}

static int enter(struct hall *h, struct visitor *v, const struct signal_message *hello,
                 uint64_t now_us)
{
    struct store_meeting meeting = {0};
    struct hall_room *r = NULL;
    struct bytes who = bytes_of(v->address, v->address_n);
    bool may = false;
    if (!limiter_take(&h->limiter, &h->hellos, who, now_us)) {
        h->totals.hellos_failed++;
        turn_away(h, v, REASON_TOO_MANY);
        return 0;
    }
    int rv = look_up(h, hello, &meeting, &may);
    if (rv == 0 && may) /* only wrong ones count */
        limiter_give(&h->limiter, &h->hellos, who);
    if (rv == 0 && !may) {
        h->totals.hellos_failed++;
        turn_away(h, v, REASON_NO_SUCH_MEETING);
    } else if (rv == 0 && (rv = room_for(h, &meeting, now_us, &r)) == 0) {
        v->room = r;
        rv = settle(h, r, room_open(r->room, v->conn, now_us), now_us);
    } else {
        turn_away(h, v, REASON_SERVER_ERROR); /* the meeting stays as it is on disk */
    }
    store_meeting_fini(&meeting);
    return rv;
}

static int greet(struct hall *h, struct visitor *v, struct bytes frame, uint64_t now_us)
{
    struct signal_message hello;
    int rv = signal_read(frame, &hello);
    int reason = rv != 0                           ? REASON_MALFORMED
                 : hello.type != SIGNAL_HELLO      ? REASON_UNEXPECTED
                 : hello.version != SIGNAL_VERSION ? REASON_VERSION
                                                   : REASON_NONE;
    if (reason == REASON_NONE)
        return enter(h, v, &hello, now_us);
    turn_away(h, v, reason);
    return 0;
}

/* ---- Connections ---- */

int hall_connect(struct hall *h, uint64_t conn, const char *address, uint64_t now_us)
{
    (void)now_us;
    struct visitor *v = calloc(1, sizeof *v);
    if (v == NULL)
        return CONCLAVE_ENOMEM;
    v->conn = conn;
    uint8_t space[LIMITER_ADDRESS];
    struct bytes who = limiter_address(address, space);
    v->address_n = (uint8_t)(who.n < sizeof v->address ? who.n : sizeof v->address);
    memcpy(v->address, who.p, v->address_n);
    room_table_put(&h->visitors, &v->by_conn, conn);
    h->totals.connections++;
    return 0;
}

int hall_frame(struct hall *h, uint64_t conn, struct bytes frame, uint64_t now_us)
{
    struct visitor *v = visitor_of(h, conn);
    if (v == NULL) /* turned away already */
        return 0;
    h->totals.frames_in++;
    h->totals.bytes_in += frame.n;
    if (v->room == NULL)
        return greet(h, v, frame, now_us);
    struct hall_room *r = v->room;
    return settle(h, r, room_input(r->room, conn, frame, now_us), now_us);
}

void hall_disconnect(struct hall *h, uint64_t conn, uint64_t now_us)
{
    struct visitor *v = visitor_of(h, conn);
    if (v == NULL)
        return;
    struct hall_room *r = v->room;
    visitor_free(h, v);
    if (r == NULL)
        return;
    room_close(r->room, conn, now_us);
    (void)!settle(h, r, 0, now_us); /* what fails gives the room up, and says so to those in it */
}

int hall_tick(struct hall *h, uint64_t now_us)
{
    int rv = 0;
    for (struct hall_room *r = h->rooms; r != NULL;) {
        struct hall_room *next = r->next;
        if (room_deadline(r->room) <= now_us) {
            int failed = settle(h, r, room_tick(r->room, now_us), now_us);
            rv = rv != 0 ? rv : failed; /* the others have their timers all the same */
        }
        r = next;
    }
    return rv;
}

uint64_t hall_deadline(const struct hall *h)
{
    uint64_t at = UINT64_MAX;
    for (const struct hall_room *r = h->rooms; r != NULL; r = r->next)
        at = room_deadline(r->room) < at ? room_deadline(r->room) : at;
    return at;
}

int hall_media(struct hall *h, uint64_t conn, struct bytes body)
{
    struct room_frame *frame = NULL;
    if (visitor_of(h, conn) == NULL)
        return 0;
    int rv = room_media_frame(body, &frame);
    if (rv == 0) {
        h->config.out.send(h->config.out.ctx, conn, frame);
        h->totals.frames_out++;
        h->totals.bytes_out += room_frame_size(frame);
    }
    room_frame_free(frame);
    return rv;
}

bool hall_epoch(const struct hall *h, const char *number, uint64_t *out_epoch, uint32_t *out_leaves)
{
    const struct hall_room *r = room_alive(h, number);
    return r != NULL && room_epoch(r->room, out_epoch, out_leaves);
}

void hall_stop(struct hall *h, uint64_t now_us)
{
    (void)now_us;
    for (size_t i = 0; i < h->visitors.cap && h->visitors.heads != NULL; i++)
        while (h->visitors.heads[i] != NULL)
            turn_away(h, (struct visitor *)h->visitors.heads[i], REASON_SERVER_STOPS);
}

/* ---- Administration ---- */

int hall_summary(const struct hall *h, const char *number, struct room_summary *out)
{
    const struct hall_room *r = room_alive(h, number);
    if (r == NULL)
        return CONCLAVE_ENOTFOUND;
    room_summary(r->room, out);
    return 0;
}

void hall_each(const struct hall *h,
               bool (*each)(void *ctx, const char *number, const struct room_summary *s), void *ctx)
{
    struct room_summary summary;
    for (const struct hall_room *r = h->rooms; r != NULL; r = r->next) {
        room_summary(r->room, &summary);
        if (!each(ctx, r->number, &summary))
            return;
    }
}

int hall_end(struct hall *h, const char *number, uint64_t now_us)
{
    struct hall_room *r = room_alive(h, number);
    if (r == NULL)
        return CONCLAVE_ENOTFOUND;
    return settle(h, r, room_end(r->room, now_us), now_us);
}

void hall_totals(const struct hall *h, struct hall_totals *out)
{
    *out = h->totals;
}
