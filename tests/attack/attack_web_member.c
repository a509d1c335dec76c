/* Lies told to a page that is in the meeting: a guest among alice, bob and mallory. */
#include "attack_web.h"

/* ---- Orders ---- */

/* Mallory locks or unlocks the meeting, which is not hers to do, and the server hands it on. */
static void command_of_an_attendee(struct web *w)
{
    struct meeting_extensions e;
    struct buf commit = {0};
    struct meeting_state next = w->a.mallory->p->state;
    next.locked = !next.locked;
    const struct mls_change change = attack_state_change(&w->a, &next, &e);
    attack_make_commit(&w->a.s, w->a.mallory, &change, 1, &commit);
    web_deliver_mls(w, SIGNAL_COMMITTED, buf_view(&commit));
    meeting_extensions_fini(&e);
    buf_free(&commit);
}

/* Locked, open, locked; and then the second commit of these once more. */
static void command_of_before(struct web *w)
{
    struct buf unlock = {0};
    web_lock(w, true);
    web_lock(w, false);
    buf_put(&unlock, attack_last(&w->a.tap, SIGNAL_COMMITTED).body);
    web_lock(w, true);
    web_deliver_mls(w, SIGNAL_COMMITTED, buf_view(&unlock));
    buf_free(&unlock);
}

/* The server proposes that mallory be a co-host. */
static void appointment_by_the_server(struct web *w)
{
    struct meeting_extensions e;
    struct mls_context context;
    struct buf mallory = {0}, message = {0};
    struct meeting_state next = w->a.alice->p->state;
    assert_int_equal(
        meeting_list_with(next.cohosts, bytes_str("mallory@" MEETING_DOMAIN), &mallory), 0);
    next.cohosts = buf_view(&mallory);
    const struct mls_change change = attack_state_change(&w->a, &next, &e);
    mls_group_context(w->a.alice->p->group, &context);
    assert_int_equal(mls_external_propose(w->a.s.world.crypto, w->a.s.world.server, 0, &context,
                                          &change, &message),
                     0);
    web_deliver_mls(w, SIGNAL_PROPOSED, buf_view(&message));
    meeting_extensions_fini(&e);
    buf_free(&mallory);
    buf_free(&message);
}

/* Somebody of the server's takes a place by an external commit. */
static void external_commit_of_the_server(struct web *w)
{
    struct attack_outsider eve;
    struct attack_info info = {0};
    struct mls_group *group = NULL;
    struct buf commit = {0};
    attack_outsider_init(&eve, &w->a.s,
                         meeting_world_person(&w->a.s.world, IDENTITY_USER, "eve@" MEETING_DOMAIN));
    attack_info_of(w->a.bob->p->group, &info);
    assert_int_equal(mls_group_join_external(eve.client, buf_view(&info.body), buf_view(&info.tree),
                                             MLS_NO_LEAF, NULL, 0, w->a.s.now_us / STAGE_SECOND,
                                             &group, &commit),
                     0);
    web_deliver_mls(w, SIGNAL_COMMITTED, buf_view(&commit));
    mls_group_free(group);
    buf_free(&commit);
    attack_info_free(&info);
    attack_outsider_fini(&eve);
}

static void orders(struct web *w)
{
    web_open_people(w);
    web_begin(w);
    web_await(w);
    appointment_by_the_server(w);
    web_tell("appointment");
    web_await(w);
    external_commit_of_the_server(w);
    web_tell("external");
    web_await(w);
    command_of_before(w);
    web_tell("replay");
    web_tell_code(w->a.alice);
    web_await(w);
    command_of_an_attendee(w);
    web_tell("command");
    web_await(w);
}

/* ---- Words ---- */

/* The last thing that was said comes to the page once more. */
static void say_again(struct web *w)
{
    struct buf message = {0};
    buf_put(&message, attack_last(&w->a.tap, SIGNAL_APP_FROM).body);
    web_deliver_mls(w, SIGNAL_APP_FROM, buf_view(&message));
    buf_free(&message);
}

/* Mallory's client does not take notice of her eject, and the server helps. */
static void eject_deaf(struct web *w)
{
    attack_withhold(&w->a.tap, w->a.mallory, SIGNAL_COMMITTED);
    attack_withhold(&w->a.tap, w->a.mallory, SIGNAL_FAULT);
    attack_withhold(&w->a.tap, w->a.mallory, SIGNAL_RESUME);
    web_eject(w, w->a.mallory);
    web_run(w, 2 * STAGE_SECOND);
    assert_int_equal(stage_find(w->a.alice, w->a.mallory), MLS_NO_LEAF);
    assert_non_null(w->a.mallory->p->group);
}

static void words(struct web *w)
{
    struct buf message = {0};
    web_open_people(w);
    web_begin(w);
    web_await(w);
    web_say(w, w->a.alice, "said once");
    say_again(w);
    web_tell("replay");
    web_await(w);
    /* a member who writes in the language of pages, and is ejected */
    web_say(w, w->a.mallory, "<img src=x onerror=alert(1)><b>bold</b>");
    uint32_t leaf = stage_leaf(w->a.mallory);
    eject_deaf(w);
    attack_make_chat(w->a.mallory, 2, &message); /* "I am still here" */
    web_deliver_mls(w, SIGNAL_APP_FROM, buf_view(&message));
    web_tell("removed");
    web_await(w);
    /* the next on that leaf is somebody else */
    struct stage_actor *carol =
        stage_enter(&w->a.s, IDENTITY_USER, "carol@" MEETING_DOMAIN, "Carol");
    web_run(w, 2 * STAGE_SECOND);
    assert_int_equal(stage_find(w->a.alice, carol), leaf);
    web_deliver_mls(w, SIGNAL_APP_FROM, buf_view(&message));
    web_say(w, carol, "I speak for myself");
    web_tell("successor");
    web_await(w);
    buf_free(&message);
}

/* ---- Other groups ---- */

static void fork(struct web *w)
{
    struct buf other = {0};
    web_open_people(w);
    web_begin(w);
    web_await(w);
    w->a.s.forks_expected = true;
    attack_withhold(&w->a.tap, w->a.mallory, SIGNAL_COMMITTED);
    attack_withhold(&w->a.tap, w->page, SIGNAL_COMMITTED);
    web_lock(w, true);
    attack_pend_commit(&w->a.s, w->a.mallory, NULL, 0, &other);
    attack_deliver_mls(&w->a.s, w->a.mallory, SIGNAL_COMMITTED, buf_view(&other));
    web_deliver_mls(w, SIGNAL_COMMITTED, buf_view(&other));
    web_tell("fork");
    web_tell_code(w->a.alice);
    web_tell_code(w->a.mallory);
    web_await(w);
    buf_free(&other);
}

/* Tells the page when it comes back that nothing has happened. */
static bool nothing_happened(void *ctx, struct stage_actor *a, struct signal_message *m)
{
    const uint64_t *epoch = ctx;
    if (m->type != SIGNAL_LIVE || a->p != NULL)
        return false;
    m->epoch = *epoch;
    return true;
}

static void withheld(struct web *w)
{
    web_open_people(w);
    web_begin(w);
    web_await(w);
    uint64_t epoch = mls_group_epoch(w->a.alice->p->group);
    attack_withhold(&w->a.tap, w->page, SIGNAL_COMMITTED);
    w->a.tap.change = nothing_happened;
    w->a.tap.ctx = &epoch;
    web_eject(w, w->a.mallory);
    web_tell("withheld");
    web_await(w);
    assert_true(w->a.tap.dropped[SIGNAL_COMMITTED] != 0);
    attack_let_through(&w->a.tap);
    web_cut(w);
    web_tell("given");
    web_tell_code(w->a.alice);
    web_await(w);
}

static void stale(struct web *w)
{
    struct attack_info old = {0};
    web_open_people(w);
    web_begin(w);
    web_await(w);
    attack_info_of(w->a.alice->p->group, &old);
    web_lock(w, true);
    w->a.tap.change = attack_swap_info;
    w->a.tap.ctx = &old;
    web_deliver(w, &(struct signal_message){.type = SIGNAL_FAULT, .reason = REASON_OUT_OF_REACH});
    web_tell("stale");
    web_await(w);
    assert_true(w->a.tap.changed != 0);
    attack_info_free(&old);
}

/* What the page says in a group that the room does not know never gets to the room. */
static void hear_no_more(struct web *w)
{
    static const enum signal_type types[] = {SIGNAL_APP,     SIGNAL_MEDIA,  SIGNAL_PROPOSE,
                                             SIGNAL_COMMIT,  SIGNAL_INFO,   SIGNAL_COMPLAINT,
                                             SIGNAL_WELCOME, SIGNAL_REJOIN, SIGNAL_RESUME};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        attack_withhold(&w->a.tap, w->page, types[i]);
}

static bool knocked_last(const struct web *w, const struct stage_actor *who)
{
    return w->a.tap.last_of[SIGNAL_KNOCK] == who;
}

static void anew(struct web *w)
{
    struct buf welcome = {0}, tree = {0};
    web_open_people(w);
    web_begin(w);
    web_await(w);
    struct mls_group *g = attack_second_group(&w->a);
    /* the page is told that it is out, and knocks again; mallory lets it in elsewhere */
    attack_withhold(&w->a.tap, NULL, SIGNAL_COMMIT);
    w->a.tap.last_of[SIGNAL_KNOCK] = NULL;
    web_deliver(w, &(struct signal_message){.type = SIGNAL_FAULT, .reason = REASON_NOT_A_MEMBER});
    web_until(w, knocked_last, w->page);
    attack_add_to(&w->a, g, attack_knocked(&w->a.tap), &welcome);
    assert_int_equal(mls_group_tree(g, &tree), 0);
    hear_no_more(w);
    web_deliver(w, &(struct signal_message){.type = SIGNAL_WELCOMED,
                                            .body = buf_view(&welcome),
                                            .tree = buf_view(&tree)});
    web_tell("anew");
    web_tell_code(w->a.alice);
    web_await(w);
    mls_group_free(g);
    buf_free(&welcome);
    buf_free(&tree);
}

static void forgotten(struct web *w)
{
    web_open_people(w);
    web_begin(w);
    web_await(w);
    stage_kill_server(&w->a.s, STAGE_SECOND);
    buf_clear(&w->a.s.disk.snapshot); /* nothing, it says, was ever written */
    web_tell("forgotten");
    web_await(w);
}

/* ---- Removing ---- */

static void proposed(struct web *w)
{
    web_open_people(w);
    web_begin(w);
    web_await(w);
    web_run(w, 4 * STAGE_SECOND); /* bob is heard */
    attack_propose_removals(&w->a, &w->a.bob, 1);
    web_tell("proposed");
    web_await(w);
    web_deliver(w, &(struct signal_message){.type = SIGNAL_FAULT, .reason = REASON_ENDED});
    web_tell("ended");
    web_await(w);
}

static void removed(struct web *w)
{
    struct buf list = {0}, commit = {0};
    web_open_people(w);
    web_begin(w);
    web_await(w);
    signal_put_presence(&list, (struct signal_presence){stage_leaf(w->a.bob), false});
    attack_deliver_all(
        &w->a.s, &(struct signal_message){.type = SIGNAL_PRESENCE, .presence = buf_view(&list)});
    attack_withhold(&w->a.tap, NULL, SIGNAL_COMMIT);
    attack_propose_removals(&w->a, &w->a.bob, 1);
    web_run(w, WEB_MOMENT);
    assert_true(w->a.tap.dropped[SIGNAL_COMMIT] != 0);
    buf_put(&commit, attack_last(&w->a.tap, SIGNAL_COMMIT).body);
    attack_deliver_all(
        &w->a.s, &(struct signal_message){.type = SIGNAL_COMMITTED, .body = buf_view(&commit)});
    web_tell("removed");
    web_await(w);
    buf_free(&list);
    buf_free(&commit);
}

/* Carol, who has left, is added once more with the keys she came with. */
static void ghost(struct web *w)
{
    struct buf entries = {0};
    web_open_people(w);
    struct stage_actor *carol = attack_colleague(&w->a, "carol@" MEETING_DOMAIN, "Carol");
    attack_put_entry(&w->a.s, attack_knocked(&w->a.tap), &entries);
    assert_int_equal(participant_leave(carol->p, w->a.s.now_us), 0);
    stage_carry_out(&w->a.s, carol);
    stage_run(&w->a.s, 2 * STAGE_SECOND);
    web_begin(w);
    web_await(w);
    attack_withhold(&w->a.tap, NULL, SIGNAL_PRESENCE);
    attack_deliver(&w->a.s, w->a.alice,
                   &(struct signal_message){.type = SIGNAL_JOINERS, .entries = buf_view(&entries)});
    web_tell("ghost");
    web_await(w);
    buf_free(&entries);
}

const struct web_scene web_scenes_member[] = {
    {"orders", orders},       {"words", words},       {"fork", fork},
    {"withheld", withheld},   {"stale", stale},       {"anew", anew},
    {"forgotten", forgotten}, {"proposed", proposed}, {"removed", removed},
    {"ghost", ghost},         {NULL, NULL},
};
