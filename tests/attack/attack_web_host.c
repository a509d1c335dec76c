/* Lies told to a page that is the organiser's: what it is shown at the door, and what becomes of
 * what it asks for. */
#include "attack_web.h"

#include "meeting/knock.h"

/* The page founds, as alice; bob and mallory come. */
static void open_with_a_host(struct web *w)
{
    web_open(w, NULL);
    web_begin(w);
    web_await(w);
    w->a.bob = stage_enter(&w->a.s, IDENTITY_USER, "bob@" MEETING_DOMAIN, "Bob");
    web_until(w, web_is_in, w->a.bob);
    w->a.mallory = stage_enter(&w->a.s, IDENTITY_USER, "mallory@" MEETING_DOMAIN, "Mallory");
    web_until(w, web_is_in, w->a.mallory);
    web_tell("people");
    web_await(w);
}

static void hand_over(struct web *w, enum signal_type type, const struct buf *entries)
{
    web_deliver(w, &(struct signal_message){.type = type, .entries = buf_view(entries)});
    web_run(w, STAGE_SECOND);
}

/* ---- Whom the server brings ---- */

/* Puts entries of its own into what the room hands to the leader. */
static bool swap_joiners(void *ctx, struct stage_actor *a, struct signal_message *m)
{
    const struct buf *entries = ctx;
    (void)a;
    if (m->type != SIGNAL_JOINERS)
        return false;
    m->entries = buf_view(entries);
    return true;
}

static void leader(struct web *w)
{
    struct attack_outsider eve;
    open_with_a_host(w);
    /* somebody of the server's own making, with a certificate of its CA for carol's name */
    attack_outsider_init(
        &eve, &w->a.s, meeting_world_person(&w->a.s.world, IDENTITY_USER, "carol@" MEETING_DOMAIN));
    hand_over(w, SIGNAL_JOINERS, &eve.entries);
    assert_int_equal(stage_roster_count(w->a.bob), 3);
    web_tell("outsider");
    web_await(w);
    /* and in the place of her true key package */
    w->a.tap.change = swap_joiners;
    w->a.tap.ctx = &eve.entries;
    struct stage_actor *carol =
        stage_enter(&w->a.s, IDENTITY_USER, "carol@" MEETING_DOMAIN, "Carol");
    web_run(w, 2 * STAGE_SECOND);
    assert_true(w->a.tap.changed != 0);
    assert_int_equal(participant_phase(carol->p), PARTICIPANT_JOINING);
    assert_int_equal(stage_roster_count(w->a.bob), 3);
    web_tell("swapped");
    web_await(w);
    attack_outsider_fini(&eve);
}

static bool is_locked(const struct web *w, const struct stage_actor *who)
{
    (void)w;
    return who->p->state.locked;
}

/* The page locks; carol waits in the lobby, and the server says that she may come in. */
static void locked(struct web *w)
{
    struct buf entries = {0};
    open_with_a_host(w);
    web_until(w, is_locked, w->a.bob);
    struct stage_actor *carol =
        stage_enter(&w->a.s, IDENTITY_USER, "carol@" MEETING_DOMAIN, "Carol");
    web_run(w, STAGE_SECOND);
    assert_int_equal(participant_phase(carol->p), PARTICIPANT_IN_LOBBY);
    attack_put_entry(&w->a.s, attack_knocked(&w->a.tap), &entries);
    hand_over(w, SIGNAL_JOINERS, &entries);
    assert_int_equal(stage_roster_count(w->a.bob), 3);
    web_tell("locked");
    web_await(w); /* and then the page admits her */
    web_until(w, web_is_in, carol);
    buf_free(&entries);
}

/* Mallory, whom the page removes, comes again, and the server says that she may. */
static void barred(struct web *w)
{
    struct buf entries = {0};
    open_with_a_host(w);
    web_until(w, web_is_out, w->a.mallory);
    assert_int_equal(participant_end_reason(w->a.mallory->p), REASON_EJECTED);
    struct stage_actor *again = stage_enter_person(&w->a.s, w->a.mallory->person, "Somebody else");
    web_run(w, STAGE_SECOND);
    assert_int_equal(participant_phase(again->p), PARTICIPANT_IN_LOBBY);
    attack_put_entry(&w->a.s, attack_knocked(&w->a.tap), &entries);
    hand_over(w, SIGNAL_JOINERS, &entries);
    assert_int_equal(stage_roster_count(w->a.bob), 2);
    web_tell("barred");
    web_await(w);
    buf_free(&entries);
}

/* ---- Whom it shows at the door ---- */

static void lobby(struct web *w)
{
    static const char *const names[] = {ATTACK_TURNED_NAME, "<img src=x onerror=x>"};
    struct attack_outsider other;
    struct meeting_knock knock;
    struct buf first = {0}, second = {0}, entries = {0};
    open_with_a_host(w);
    struct stage_actor *gus = attack_guest(&w->a, "Gus");
    web_run(w, STAGE_SECOND);
    buf_put(&first, attack_knocked(&w->a.tap));
    struct stage_actor *eve =
        stage_enter(&w->a.s, IDENTITY_GUEST, "urn:uuid:6ba7b810-9dad-41d1-80b4-00c04fd43000",
                    "B\xd0\xbe"
                    "b");
    web_run(w, STAGE_SECOND);
    buf_put(&second, attack_knocked(&w->a.tap));
    /* names that nobody's client makes, and keys made for another meeting */
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        attack_put_entry_named(&w->a, gus, names[i], &entries);
    attack_outsider_init(
        &other, &w->a.s,
        meeting_world_person(&w->a.s.world, IDENTITY_USER, "carol@" MEETING_DOMAIN));
    buf_put(&entries, buf_view(&other.entries));
    hand_over(w, SIGNAL_LOBBY, &entries);
    web_tell("door");
    web_await(w);
    /* under gus's reference comes the other's key package, while the page admits gus */
    assert_int_equal(meeting_knock_read(w->a.s.world.public_crypto, buf_view(&first),
                                        w->a.s.now_us / STAGE_SECOND, &knock),
                     0);
    buf_clear(&entries);
    attack_put_entry_ref(bytes_of(knock.ref, knock.ref_n), buf_view(&second), &entries);
    hand_over(w, SIGNAL_LOBBY, &entries);
    web_tell("swapped");
    web_await(w);
    web_until(w, web_is_in, gus);
    assert_int_equal(participant_phase(eve->p), PARTICIPANT_IN_LOBBY);
    attack_outsider_fini(&other);
    buf_free(&first);
    buf_free(&second);
    buf_free(&entries);
}

/* ---- What the host asks for ---- */

/* The page removes bob, and the server accepts no commit. */
static void ignored(struct web *w)
{
    open_with_a_host(w);
    attack_withhold(&w->a.tap, NULL, SIGNAL_COMMIT);
    web_tell("deaf");
    web_await(w);
    assert_true(w->a.tap.dropped[SIGNAL_COMMIT] != 0);
    assert_int_equal(stage_roster_count(w->a.bob), 3);
}

/* The page removes mallory; it is shown so to the page, and to nobody else. */
static void alone(struct web *w)
{
    open_with_a_host(w);
    w->a.s.forks_expected = true;
    attack_withhold(&w->a.tap, w->a.bob, SIGNAL_COMMITTED);
    attack_withhold(&w->a.tap, w->a.mallory, SIGNAL_COMMITTED);
    attack_withhold(&w->a.tap, w->a.bob, SIGNAL_APP_FROM);
    web_tell("alone");
    web_await(w);
    assert_int_equal(stage_roster_count(w->a.bob), 3);
}

const struct web_scene web_scenes_host[] = {
    {"leader", leader},   {"locked", locked}, {"barred", barred}, {"lobby", lobby},
    {"ignored", ignored}, {"alone", alone},   {NULL, NULL},
};
