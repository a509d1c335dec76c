/* What administrators see and end: meetings, live rooms, tokens, the audit log. No names of
 * participants and no content: the server has none. */
#include "service/handlers.h"
#include "service/meetings.h"

int admin_meetings_get(struct call *c)
{
    return meetings_list(c, NULL);
}

int admin_meeting_delete(struct call *c)
{
    const char *number;
    int rv = call_number(c, &number);
    return rv != 0 ? rv : meetings_remove(c, number, NULL);
}

/* ---- Rooms ---- */

static json_t *describe_room(const char *number, const struct room_summary *r)
{
    return json_pack(
        "{s:s, s:b, s:b, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
        "number", number, "running", (int)r->running, "locked", (int)r->locked, "ended",
        (int)r->ended, "epoch", call_integer(r->epoch), "started_at", call_integer(r->started_at),
        "members", call_integer(r->members), "connected", call_integer(r->connected), "waiting",
        call_integer(r->waiting), "connections", call_integer(r->connections), "commits",
        call_integer(r->commits), "rejected", call_integer(r->rejected), "proposals",
        call_integer(r->proposals), "messages", call_integer(r->messages), "complaints",
        call_integer(r->complaints), "undone", call_integer(r->undone), "memory",
        call_integer(r->memory));
}

static json_t *describe_media(const struct service_media *m)
{
    return json_pack("{s:I, s:I, s:I, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I,"
                     " s:I, s:I, s:I, s:I, s:I}",
                     "peers", call_integer(m->peers), "connected", call_integer(m->connected),
                     "tracks", call_integer(m->tracks), "speaker", (int)m->speaker, "packets_in",
                     call_integer(m->packets_in), "bytes_in", call_integer(m->bytes_in),
                     "packets_out", call_integer(m->packets_out), "bytes_out",
                     call_integer(m->bytes_out), "lost_in", call_integer(m->lost_in),
                     "recovered_in", call_integer(m->recovered_in), "nacks", call_integer(m->nacks),
                     "retransmitted", call_integer(m->retransmitted), "key_frames_asked",
                     call_integer(m->key_frames_asked), "refused", call_integer(m->refused),
                     "dropped", call_integer(m->dropped), "flowing", call_integer(m->flowing),
                     "waiting", call_integer(m->waiting), "narrow", call_integer(m->narrow),
                     "rtt_us", call_integer(m->rtt_us), "loss_ppm", call_integer(m->loss_ppm));
}

/* NULL without memory. */
static json_t *describe(const struct service_config *config, const char *number,
                        const struct room_summary *r)
{
    struct service_media m = {0};
    json_t *room = describe_room(number, r);
    bool has_media = config->media != NULL && config->media(config->media_ctx, number, &m);
    if (room != NULL && has_media && json_object_set_new(room, "media", describe_media(&m)) != 0) {
        json_decref(room);
        return NULL;
    }
    return room;
}

struct rooms {
    const struct service_config *config;
    json_t *items;
    bool failed;
};

static bool list_room(void *ctx, const char *number, const struct room_summary *r)
{
    struct rooms *rooms = ctx;
    json_t *item = describe(rooms->config, number, r);
    rooms->failed = item == NULL || json_array_append_new(rooms->items, item) != 0;
    return !rooms->failed && json_array_size(rooms->items) < LIMIT_SERVICE_ROOMS;
}

int admin_rooms_get(struct call *c)
{
    struct rooms rooms = {.config = &c->service->config, .items = json_array()};
    if (rooms.items == NULL)
        return CONCLAVE_ENOMEM;
    hall_each(c->service->config.hall, list_room, &rooms);
    if (rooms.failed) {
        json_decref(rooms.items);
        return CONCLAVE_ENOMEM;
    }
    return call_answer(c, json_pack("{s:o}", "rooms", rooms.items));
}

static int audit_end(struct call *c, void *ctx)
{
    return call_audit_text(c, "room-end", "meeting", ctx);
}

int admin_room_delete(struct call *c)
{
    const char *number;
    int rv = call_number(c, &number);
    if (rv == 0)
        rv = hall_end(c->service->config.hall, number, c->now_us);
    if (rv != 0)
        return call_map(c, rv, CONCLAVE_ENOTFOUND, REASON_NO_SUCH_ENTRY);
    return call_change(c, audit_end, c->parameter);
}

/* ---- Tokens ---- */

static bool list_token(void *ctx, const struct store_token *t)
{
    json_t *item = json_pack("{s:I, s:s, s:s, s:I, s:I}", "id", call_integer(t->id), "kind",
                             who_kind_name(t->kind), "identifier", t->identifier, "created_at",
                             call_integer(t->created_at), "expires", call_integer(t->expires_at));
    return page_add_id(ctx, item, t->id);
}

int admin_tokens_get(struct call *c)
{
    struct page page;
    uint64_t after;
    int rv = page_begin_ids(c, &page, &after);
    if (rv != 0)
        return rv;
    rv = store_token_each(c->service->config.store, after, page.max, list_token, &page);
    return page_end(c, &page, "tokens", rv);
}

static int revoke_change(struct call *c, void *ctx)
{
    const uint64_t *id = ctx;
    int rv = store_token_remove(c->service->config.store, *id);
    if (rv == 0)
        rv = call_audit(c, "token-revoke", "token", *id);
    return call_map(c, rv, CONCLAVE_ENOTFOUND, REASON_NO_SUCH_ENTRY);
}

int admin_token_delete(struct call *c)
{
    uint64_t id;
    int rv = call_id(c, &id);
    return rv != 0 ? rv : call_change(c, revoke_change, &id);
}

/* ---- The audit log ---- */

static bool list_audit(void *ctx, const struct store_audit *a)
{
    json_t *item =
        json_pack("{s:I, s:I, s:s, s:s, s:s}", "id", call_integer(a->id), "at", call_integer(a->at),
                  "actor", a->actor, "action", a->action, "object", a->object);
    return page_add_id(ctx, item, a->id);
}

int admin_audit_get(struct call *c)
{
    struct page page;
    uint64_t after;
    int rv = page_begin_ids(c, &page, &after);
    if (rv != 0)
        return rv;
    rv = store_audit_each(c->service->config.store, after, page.max, list_audit, &page);
    return page_end(c, &page, "entries", rv);
}
