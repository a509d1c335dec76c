#include "attack.h"

#include <stdio.h>
#include <string.h>

#include "meeting/knock.h"

/* ---- Rows ---- */

static int list_rows(const struct attack *list, size_t n)
{
    static const char *const outcomes[] = {
        [ATTACK_REFUSED] = "refused", [ATTACK_VISIBLE] = "visible"};
    for (size_t i = 0; i < n; i++)
        printf("| %u | %s | %s | %s | %s |\n", list[i].number, list[i].title, list[i].by,
               outcomes[list[i].outcome], list[i].how);
    return 0;
}

int attack_main(int argc, char **argv, const struct attack *list, size_t n)
{
    struct CMUnitTest tests[ATTACKS_MAX] = {{0}}; /* those without a function are no tests */
    if (n > ATTACKS_MAX)
        return 1;
    if (argc == 2 && strcmp(argv[1], "--list") == 0)
        return list_rows(list, n);
    if (argc == 2)
        cmocka_set_test_filter(argv[1]);
    for (size_t i = 0; i < n; i++)
        tests[i] = (struct CMUnitTest){.name = list[i].name, .test_func = list[i].run};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* ---- The one in the way ---- */

static bool is_withheld(const struct attack_tap *t, const struct stage_actor *a,
                        enum signal_type type)
{
    for (size_t i = 0; i < t->n_withheld; i++)
        if (t->withheld[i].type == type && (t->withheld[i].who == NULL || t->withheld[i].who == a))
            return true;
    return false;
}

static void keep(struct attack_tap *t, const struct stage_actor *a, enum signal_type type,
                 struct bytes frame)
{
    t->seen[type]++;
    t->last_of[type] = a;
    buf_clear(&t->last[type]);
    buf_put(&t->last[type], frame);
    assert_int_equal(buf_check(&t->last[type]), 0);
}

static bool pass(void *ctx, struct stage *s, struct stage_actor *a, struct buf *frame)
{
    struct attack_tap *t = ctx;
    struct signal_message m;
    struct buf changed = {0};
    (void)s;
    assert_int_equal(signal_read(buf_view(frame), &m), 0);
    keep(t, a, m.type, buf_view(frame));
    if (is_withheld(t, a, m.type)) {
        t->dropped[m.type]++;
        return false;
    }
    if (t->change != NULL && t->change(t->ctx, a, &m)) {
        t->changed++;
        assert_int_equal(signal_write(&m, &changed), 0);
        buf_move(frame, &changed);
    }
    return true;
}

void attack_tap_init(struct attack_tap *t, struct stage *s)
{
    *t = (struct attack_tap){0};
    s->hooks = (struct stage_hooks){.ctx = t, .down = pass, .up = pass};
}

void attack_tap_fini(struct attack_tap *t)
{
    for (size_t i = 0; i < ATTACK_TYPES; i++)
        buf_free(&t->last[i]);
}

void attack_withhold(struct attack_tap *t, const struct stage_actor *who, enum signal_type type)
{
    assert_true(t->n_withheld < ATTACK_WITHHELD_MAX);
    t->withheld[t->n_withheld++] = (struct attack_withheld){who, type};
}

void attack_let_through(struct attack_tap *t)
{
    t->n_withheld = 0;
    t->change = NULL;
}

struct signal_message attack_last(const struct attack_tap *t, enum signal_type type)
{
    struct signal_message m;
    assert_true(t->seen[type] != 0);
    assert_int_equal(signal_read(buf_view(&t->last[type]), &m), 0);
    return m;
}

/* ---- A meeting ---- */

static void begin(struct attack_scene *a, void (*change)(struct card_terms *terms))
{
    *a = (struct attack_scene){0};
    stage_open_terms(&a->s, 1, change);
    attack_tap_init(&a->tap, &a->s);
}

static void settle(struct attack_scene *a)
{
    stage_run(&a->s, 7 * STAGE_SECOND);
    stage_agree(&a->s, 3);
}

void attack_open_terms(struct attack_scene *a, void (*change)(struct card_terms *terms))
{
    begin(a, change);
    a->alice = stage_enter_organiser(&a->s);
    assert_true(stage_until_all_in(&a->s, 5 * STAGE_SECOND));
    a->bob = attack_colleague(a, "bob@" MEETING_DOMAIN, "Bob");
    a->mallory = attack_colleague(a, "mallory@" MEETING_DOMAIN, "Mallory");
    settle(a);
}

static void colleagues_found(struct card_terms *terms)
{
    terms->join_before_host = true;
}

void attack_open_led_by_mallory(struct attack_scene *a)
{
    begin(a, colleagues_found);
    a->mallory = attack_colleague(a, "mallory@" MEETING_DOMAIN, "Mallory");
    a->alice = stage_enter_organiser(&a->s);
    a->bob = attack_colleague(a, "bob@" MEETING_DOMAIN, "Bob");
    settle(a);
    assert_int_equal(stage_leaf(a->mallory), 0);
}

void attack_open(struct attack_scene *a)
{
    attack_open_terms(a, NULL);
}

void attack_close(struct attack_scene *a)
{
    stage_close(&a->s);
    attack_tap_fini(&a->tap);
}

struct stage_actor *attack_colleague(struct attack_scene *a, const char *identifier,
                                     const char *name)
{
    struct stage_actor *made = stage_enter(&a->s, IDENTITY_USER, identifier, name);
    assert_true(stage_until_all_in(&a->s, 5 * STAGE_SECOND));
    return made;
}

struct stage_actor *attack_guest(struct attack_scene *a, const char *name)
{
    struct stage_actor *made = stage_enter(&a->s, IDENTITY_GUEST, MEETING_GUEST, name);
    stage_run(&a->s, STAGE_SECOND);
    return made;
}

/* ---- What stays as it was ---- */

struct attack_standing attack_standing_of(struct stage_actor *a)
{
    struct attack_standing now = {0};
    assert_non_null(a->p->group);
    struct bytes authenticator = mls_group_epoch_authenticator(a->p->group);
    assert_true(authenticator.n != 0 && authenticator.n <= sizeof now.authenticator);
    now.epoch = mls_group_epoch(a->p->group);
    now.authenticator_n = authenticator.n;
    now.roster = stage_roster_count(a);
    memcpy(now.authenticator, authenticator.p, authenticator.n);
    return now;
}

void attack_assert_unmoved(struct stage_actor *a, const struct attack_standing *before)
{
    const struct attack_standing now = attack_standing_of(a);
    assert_int_equal(now.epoch, before->epoch);
    assert_int_equal(now.roster, before->roster);
    assert_int_equal(now.authenticator_n, before->authenticator_n);
    assert_memory_equal(now.authenticator, before->authenticator, now.authenticator_n);
}

bool attack_same_epoch(const struct stage_actor *a, const struct stage_actor *b)
{
    return mls_group_epoch(a->p->group) == mls_group_epoch(b->p->group) &&
           bytes_equal(mls_group_epoch_authenticator(a->p->group),
                       mls_group_epoch_authenticator(b->p->group));
}

/* ---- Lying ---- */

static bool nothing_under_way(struct stage *s, void *ctx)
{
    const struct stage_actor *a = ctx;
    (void)s;
    return a->down.first == NULL && a->up.first == NULL;
}

void attack_deliver(struct stage *s, struct stage_actor *to, const struct signal_message *m)
{
    uint64_t before = to->p->stats.bytes_in;
    assert_int_equal(to->link, STAGE_UP);
    stage_inject(s, to, m);
    assert_true(stage_until(s, STAGE_SECOND, nothing_under_way, to));
    assert_true(to->p->stats.bytes_in > before + m->body.n);
}

void attack_deliver_all(struct stage *s, const struct signal_message *m)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->actors[i]->link == STAGE_UP)
            stage_inject(s, s->actors[i], m);
    stage_run(s, STAGE_SECOND / 10);
}

void attack_deliver_mls(struct stage *s, struct stage_actor *to, enum signal_type type,
                        struct bytes message)
{
    attack_deliver(s, to, &(struct signal_message){.type = type, .body = message});
}

void attack_send(struct stage *s, struct stage_actor *from, enum signal_type type,
                 struct bytes message)
{
    assert_int_equal(from->link, STAGE_UP);
    stage_inject_up(s, from, &(struct signal_message){.type = type, .body = message});
    assert_true(stage_until(s, STAGE_SECOND, nothing_under_way, from));
}

void attack_pend_commit(struct stage *s, struct stage_actor *by, const struct mls_change *changes,
                        size_t n, struct buf *out)
{
    const struct mls_commit_options options = {.force_path = true, .ignore_cached = true};
    assert_int_equal(mls_group_drop_own(by->p->group), 0);
    assert_int_equal(
        mls_group_commit(by->p->group, changes, n, &options, s->now_us / STAGE_SECOND, out), 0);
    by->p->commit_us = s->now_us; /* as its honest half would note */
}

void attack_make_commit(struct stage *s, struct stage_actor *by, const struct mls_change *changes,
                        size_t n, struct buf *out)
{
    attack_pend_commit(s, by, changes, n, out);
    assert_int_equal(mls_group_drop_own(by->p->group), 0);
}

void attack_commit(struct stage *s, struct stage_actor *by, const struct mls_change *changes,
                   size_t n)
{
    struct buf message = {0};
    attack_pend_commit(s, by, changes, n, &message);
    attack_send(s, by, SIGNAL_COMMIT, buf_view(&message));
    buf_free(&message);
}

struct mls_change attack_link_psk(const struct stage *s)
{
    return mls_external_psk(card_hash(s->card));
}

/* ---- Somebody without the link ---- */

void attack_outsider_init(struct attack_outsider *o, struct stage *s,
                          const struct meeting_person *person)
{
    static const uint16_t extensions[] = {MEETING_EXT_CARD, MEETING_EXT_STATE, MEETING_EXT_NAME};
    static const uint8_t other_key[MEETING_NAME_KEY] = {1};
    struct buf sealed = {0};
    struct meeting_names *names = NULL;
    assert_int_equal(meeting_names_new(other_key, &names), 0);
    assert_int_equal(meeting_name_seal(names, s->world.crypto, crypto_signer_public(person->signer),
                                       "Eve", &sealed),
                     0);
    meeting_names_free(names);
    const struct mls_extension name = {MEETING_EXT_NAME, buf_view(&sealed)};
    const uint64_t now = s->now_us / STAGE_SECOND;
    struct mls_client_config config = {.suite = MEETING_SUITE,
                                       .signer = person->signer,
                                       .credential = meeting_person_credential(person),
                                       .callbacks = {.check_identity = mls_identity_accept_any},
                                       .policy = mls_policy_default(),
                                       .extensions = extensions,
                                       .n_extensions = sizeof extensions / sizeof extensions[0],
                                       .leaf_extensions = &name,
                                       .n_leaf_extensions = 1};
    *o = (struct attack_outsider){0};
    config.policy.private_handshake = false;
    assert_int_equal(mls_client_new(&config, &o->client), 0);
    assert_int_equal(mls_key_package_new(o->client, now - 60, now + MEETING_DAY, false, &o->kp), 0);
    attack_put_entry(s, mls_key_package_message(o->kp), &o->entries);
    buf_free(&sealed);
}

void attack_outsider_fini(struct attack_outsider *o)
{
    buf_free(&o->entries);
    mls_key_package_free(o->kp);
    mls_client_free(o->client);
}

/* ---- Key packages ---- */

struct bytes attack_knocked(const struct attack_tap *t)
{
    return attack_last(t, SIGNAL_KNOCK).body;
}

void attack_put_entry_ref(struct bytes ref, struct bytes key_package, struct buf *out)
{
    const struct signal_entry entry = {
        .ref = ref, .key_package = key_package, .since = MEETING_NOW};
    signal_put_entry(out, &entry);
    assert_int_equal(buf_check(out), 0);
}

void attack_put_entry(struct stage *s, struct bytes key_package, struct buf *out)
{
    struct meeting_knock knock;
    assert_int_equal(
        meeting_knock_read(s->world.public_crypto, key_package, s->now_us / STAGE_SECOND, &knock),
        0);
    attack_put_entry_ref(bytes_of(knock.ref, knock.ref_n), key_package, out);
}

/* ---- Seeing ---- */

bool attack_told(const struct stage_actor *a, int reason, enum participant_severity severity)
{
    for (size_t i = 0; i < a->n_notices; i++)
        if (a->notices[i].reason == reason && a->notices[i].severity == severity)
            return true;
    return false;
}

void attack_forget_notices(struct stage_actor *a)
{
    a->n_notices = 0;
}

void attack_assert_heard(struct stage *s, struct stage_actor *from, struct stage_actor *const *to,
                         size_t n, const char *text)
{
    assert_int_equal(participant_say(from->p, text, NULL, s->now_us), 0);
    stage_carry_out(s, from);
    stage_run(s, STAGE_SECOND);
    for (size_t i = 0; i < n; i++)
        assert_string_equal(to[i]->last_chat, text);
}

struct participant_person attack_roster_entry(struct stage_actor *in,
                                              const struct stage_actor *whom)
{
    struct participant_person person;
    uint32_t at = stage_find(in, whom);
    assert_int_not_equal(at, MLS_NO_LEAF);
    assert_true(participant_roster_next(in->p, &at, &person));
    return person;
}

bool attack_lobby_find(struct stage_actor *in, const char *name, struct participant_person *out)
{
    uint32_t at = 0;
    while (participant_lobby_next(in->p, &at, out))
        if (strcmp(out->name, name) == 0)
            return true;
    return false;
}

bool attack_occurs(struct bytes in, const char *text)
{
    size_t n = strlen(text);
    for (size_t i = 0; i + n <= in.n; i++)
        if (memcmp(in.p + i, text, n) == 0)
            return true;
    return false;
}
