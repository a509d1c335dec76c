/* Classes, roles and the door: who somebody is in a meeting, by the verdict about them alone. */
#include "support/meeting_world.h"

#include <string.h>

#include "meeting/policy.h"

struct stage {
    struct meeting_world world;
    struct card *card;
    struct meeting_state state;
    struct buf cohosts;
};

static void stage_init(struct stage *g, const struct card_terms *terms)
{
    const struct card_terms usual = meeting_world_terms(&g->world);
    meeting_world_set_card(&g->world, terms != NULL ? terms : &usual);
    assert_int_equal(card_read(buf_view(&g->world.card), &g->card), 0);
    g->cohosts = (struct buf){0};
    assert_int_equal(
        meeting_list_with(bytes_of(NULL, 0), bytes_str("carol@company.com"), &g->cohosts), 0);
    g->state = (struct meeting_state){.cohosts = buf_view(&g->cohosts)};
}

static void stage_fini(struct stage *g)
{
    card_free(g->card);
    buf_free(&g->cohosts);
    meeting_world_fini(&g->world);
}

static struct identity verdict(enum identity_category category, const char *identifier)
{
    struct identity id = {.category = category, .in_organisation = category == IDENTITY_MEMBER};
    strcpy(id.identifier, identifier);
    return id;
}

static void devices_of_others_are_external(void **state)
{
    struct identity ours = verdict(IDENTITY_VERIFIED_DEVICE, "room.company.com");
    struct identity member = verdict(IDENTITY_MEMBER, "bob@company.com");
    struct identity external = verdict(IDENTITY_EXTERNAL, "eve@other.example");
    struct identity theirs = ours, nobody = {0};
    (void)state;
    ours.in_organisation = true;
    assert_int_equal(meeting_class(&member), CARD_MEMBER);
    assert_int_equal(meeting_class(&external), CARD_EXTERNAL);
    assert_int_equal(meeting_class(&ours), CARD_DEVICE);
    assert_int_equal(meeting_class(&theirs), CARD_EXTERNAL);
    assert_int_equal(meeting_class(&nobody), CARD_GUEST);
    assert_string_equal(meeting_class_name(CARD_MEMBER), "member");
    assert_string_equal(meeting_class_name(CARD_EXTERNAL), "external");
    assert_string_equal(meeting_class_name(CARD_DEVICE), "device");
    assert_string_equal(meeting_class_name(CARD_GUEST), "guest");
    assert_string_equal(meeting_class_name(CARD_CLASSES), "?");
}

static void roles_are_of_the_verified_only(void **state)
{
    static const struct {
        const char *name;
        enum meeting_role role;
    } roles[] = {
        {"alice@company.com", MEETING_ORGANISER},
        {"henry@company.com", MEETING_HOST},
        {"carol@company.com", MEETING_COHOST},
        {"bob@company.com", MEETING_ATTENDEE},
        {"", MEETING_ATTENDEE},
    };
    struct stage g;
    (void)state;
    meeting_world_init(&g.world);
    struct card_terms terms = meeting_world_terms(&g.world);
    terms.hosts[terms.n_hosts++] = "henry@company.com";
    stage_init(&g, &terms);
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
        struct identity verified = verdict(IDENTITY_MEMBER, roles[i].name);
        struct identity claimed = verdict(IDENTITY_UNVERIFIED, roles[i].name);
        assert_int_equal(meeting_role(g.card, &g.state, &verified), roles[i].role);
        assert_int_equal(meeting_role(g.card, &g.state, &claimed), MEETING_ATTENDEE);
        assert_int_equal(meeting_role(g.card, NULL, &verified),
                         roles[i].role == MEETING_COHOST ? MEETING_ATTENDEE : roles[i].role);
    }
    assert_string_equal(meeting_role_name(MEETING_ATTENDEE), "attendee");
    assert_string_equal(meeting_role_name(MEETING_COHOST), "co-host");
    assert_string_equal(meeting_role_name(MEETING_HOST), "host");
    assert_string_equal(meeting_role_name(MEETING_ORGANISER), "organiser");
    stage_fini(&g);
}

static void the_door_opens_by_class_and_lock(void **state)
{
    struct stage g;
    (void)state;
    meeting_world_init(&g.world);
    struct card_terms terms = meeting_world_terms(&g.world);
    terms.rules[CARD_MEMBER] = (struct card_rule){CARD_JOIN, CARD_LOBBY};
    terms.rules[CARD_EXTERNAL] = (struct card_rule){CARD_LOBBY, CARD_REFUSE};
    terms.rules[CARD_GUEST] = (struct card_rule){CARD_REFUSE, CARD_REFUSE};
    stage_init(&g, &terms);
    const struct identity member = verdict(IDENTITY_MEMBER, "bob@company.com");
    const struct identity external = verdict(IDENTITY_EXTERNAL, "eve@other.example");
    const struct identity guest = {0};
    assert_int_equal(meeting_admission(g.card, &g.state, &member, false), CARD_JOIN);
    assert_int_equal(meeting_admission(g.card, NULL, &member, false), CARD_JOIN);
    assert_int_equal(meeting_admission(g.card, &g.state, &external, false), CARD_LOBBY);
    assert_int_equal(meeting_admission(g.card, &g.state, &guest, false), CARD_REFUSE);
    g.state.locked = true;
    assert_int_equal(meeting_admission(g.card, &g.state, &member, false), CARD_LOBBY);
    assert_int_equal(meeting_admission(g.card, &g.state, &external, false), CARD_REFUSE);
    stage_fini(&g);
}

static void the_barred_wait_at_best(void **state)
{
    struct stage g;
    (void)state;
    meeting_world_init(&g.world);
    struct card_terms terms = meeting_world_terms(&g.world);
    terms.rules[CARD_GUEST] = (struct card_rule){CARD_REFUSE, CARD_REFUSE};
    stage_init(&g, &terms);
    const struct identity member = verdict(IDENTITY_MEMBER, "bob@company.com"), guest = {0};
    const struct identity cohost = verdict(IDENTITY_MEMBER, "carol@company.com");
    assert_int_equal(meeting_admission(g.card, &g.state, &member, true), CARD_LOBBY);
    assert_int_equal(meeting_admission(g.card, &g.state, &cohost, true), CARD_LOBBY);
    assert_int_equal(meeting_admission(g.card, &g.state, &guest, true), CARD_REFUSE);
    stage_fini(&g);
}

static void hosts_and_cohosts_find_the_door_open(void **state)
{
    struct stage g;
    (void)state;
    meeting_world_init(&g.world);
    stage_init(&g, NULL);
    g.state.locked = true;
    const struct identity alice = verdict(IDENTITY_MEMBER, "alice@company.com");
    const struct identity carol = verdict(IDENTITY_MEMBER, "carol@company.com");
    assert_int_equal(meeting_admission(g.card, &g.state, &alice, false), CARD_JOIN);
    assert_int_equal(meeting_admission(g.card, &g.state, &carol, false), CARD_JOIN);
    stage_fini(&g);
}

static void who_may_found(void **state)
{
    struct stage g;
    (void)state;
    for (unsigned early = 0; early < 2; early++) {
        meeting_world_init(&g.world);
        struct card_terms terms = meeting_world_terms(&g.world);
        terms.join_before_host = early != 0;
        stage_init(&g, &terms);
        const struct identity alice = verdict(IDENTITY_MEMBER, "alice@company.com");
        const struct identity bob = verdict(IDENTITY_MEMBER, "bob@company.com");
        const struct identity eve = verdict(IDENTITY_EXTERNAL, "eve@other.example");
        const struct identity claims = verdict(IDENTITY_UNVERIFIED, "alice@company.com");
        assert_true(meeting_may_found(g.card, &alice));
        assert_int_equal(meeting_may_found(g.card, &bob), early != 0);
        assert_false(meeting_may_found(g.card, &eve));
        assert_false(meeting_may_found(g.card, &claims));
        stage_fini(&g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(devices_of_others_are_external),
        cmocka_unit_test(roles_are_of_the_verified_only),
        cmocka_unit_test(the_door_opens_by_class_and_lock),
        cmocka_unit_test(the_barred_wait_at_best),
        cmocka_unit_test(hosts_and_cohosts_find_the_door_open),
        cmocka_unit_test(who_may_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
