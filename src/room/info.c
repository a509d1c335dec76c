/* GroupInfo for those who rejoin: asked of one member after another until one gives a good one,
 * then the same for all who want it in this epoch (docs/PROTOCOL.md section 5). */
#include "room/inside.h"

void room_info_want(struct room *r, struct conn *c)
{
    if (!link_is_in(&c->line))
        list_put(&r->rejoining, &c->line);
}

void room_info_forget(struct room *r)
{
    room_frame_free(r->info);
    r->info = NULL;
    r->info_from = NULL;
}

static int ask(struct room *r)
{
    if (r->info_from != NULL && room_seat_is_live(r->info_from) && r->now < r->info_deadline)
        return 0;
    struct seat *s = room_seat_after(r, r->info_from);
    if (s == NULL) { /* they all want one: whoever is first to be live again is asked */
        r->info_from = NULL;
        return 0;
    }
    int rv = room_say(r, s->conn, &(struct signal_message){.type = SIGNAL_INFO_REQUEST});
    if (rv == 0) {
        r->info_from = s;
        r->info_deadline = r->now + ROOM_LEADER_TIME;
    }
    return rv;
}

int room_info_settle(struct room *r)
{
    struct link *k;
    if (r->group == NULL || r->rejoining.n == 0)
        return 0;
    if (r->info == NULL)
        return ask(r);
    int rv = room_effects_reserve(&r->effects, r->rejoining.n);
    while (rv == 0 && (k = list_pop(&r->rejoining)) != NULL) {
        struct conn *c = LIST_OWNER(k, struct conn, line);
        room_effects_send_one(&r->effects, c->by_number.key, r->info);
    }
    return rv;
}

/* With the key that lets one in, and without a tree, of which the server has a better one. */
static int check(const struct room *r, struct bytes message)
{
    struct group_info info;
    int rv = room_group_info_read(message, &info);
    if (rv == 0)
        rv = room_group_info_check(r, &info);
    if (rv == 0 && (!room_group_info_has(&info, MLS_EXT_EXTERNAL_PUB) ||
                    room_group_info_has(&info, MLS_EXT_RATCHET_TREE)))
        rv = CONCLAVE_EEXTENSION;
    return rv;
}

int room_info_given(struct room *r, struct conn *c, const struct signal_message *m)
{
    struct signal_message answer = {.type = SIGNAL_INFO_OF, .body = m->body};
    struct buf tree = {0};
    if (r->info != NULL || r->info_from != c->seat || r->rejoining.n == 0)
        return 0; /* nobody gives one unasked: with a false key, who uses it were the offender */
    int rv = check(r, m->body);
    if (rv != 0) { /* of an epoch that is over, or wrong: another is asked */
        r->info_deadline = r->now + ROOM_INFO_PAUSE;
        return room_system_error(rv);
    }
    rv = mls_public_group_tree(r->group, &tree);
    answer.tree = buf_view(&tree);
    if (rv == 0)
        rv = room_frame_new(&answer, &r->info);
    buf_free(&tree);
    return rv;
}
