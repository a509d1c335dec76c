/* Certificates end while people are in a meeting, and are renewed. */
#include "liar.h"

#define WEEKS (14 * MEETING_DAY * STAGE_SECOND)

static struct meeting_person *renewed(struct attack_scene *a, const struct stage_actor *whom,
                                      const char *name)
{
    return meeting_world_renew(&a->s.world, whom->person, IDENTITY_USER, name);
}

static int renew(struct attack_scene *a, struct stage_actor *who,
                 const struct meeting_person *certificate)
{
    int rv = participant_renew(who->p, certificate->chain, 1, a->s.now_us);
    stage_carry_out(&a->s, who);
    return rv;
}

static void it_is_for_the_same_key_and_person(void **state)
{
    static const uint8_t nonsense[] = {0x30, 0x00};
    const struct bytes broken = bytes_of(nonsense, sizeof nonsense);
    struct attack_scene a;
    (void)state;
    attack_open(&a);
    const struct attack_standing before = attack_standing_of(a.bob);
    assert_int_equal(renew(&a, a.bob, a.mallory->person), CONCLAVE_ECREDENTIAL);
    assert_int_equal(renew(&a, a.bob, renewed(&a, a.bob, "mallory@" MEETING_DOMAIN)),
                     CONCLAVE_ECREDENTIAL);
    assert_int_equal(participant_renew(a.bob->p, &broken, 1, a.s.now_us), CONCLAVE_ECREDENTIAL);
    assert_int_equal(participant_renew(a.bob->p, &broken, 0, a.s.now_us), CONCLAVE_ECREDENTIAL);
    stage_run(&a.s, 5 * STAGE_SECOND);
    attack_assert_unmoved(a.bob, &before);
    assert_int_equal(renew(&a, a.bob, renewed(&a, a.bob, "bob@" MEETING_DOMAIN)), 0);
    stage_run(&a.s, 5 * STAGE_SECOND);
    assert_int_equal(mls_group_epoch(a.bob->p->group), before.epoch + 1);
    assert_int_equal(participant_leave(a.bob->p, a.s.now_us), 0);
    stage_carry_out(&a.s, a.bob);
    assert_int_equal(renew(&a, a.bob, a.bob->person), CONCLAVE_ESTATE);
    attack_close(&a);
}

static void who_waits_knocks_with_it(void **state)
{
    struct attack_scene a;
    (void)state;
    attack_open(&a);
    assert_int_equal(participant_lock(a.alice->p, true, a.s.now_us), 0);
    stage_carry_out(&a.s, a.alice);
    stage_run(&a.s, STAGE_SECOND);
    struct stage_actor *carol = stage_enter(&a.s, IDENTITY_USER, "carol@" MEETING_DOMAIN, "Carol");
    stage_run(&a.s, 2 * STAGE_SECOND);
    assert_int_equal(participant_phase(carol->p), PARTICIPANT_IN_LOBBY);
    struct meeting_person *again = renewed(&a, carol, "carol@" MEETING_DOMAIN);
    assert_int_equal(renew(&a, carol, again), 0);
    stage_run(&a.s, 2 * STAGE_SECOND);
    assert_int_equal(stage_lobby_count(a.alice), 1);
    assert_int_equal(participant_admit_all(a.alice->p, a.s.now_us), 0);
    stage_carry_out(&a.s, a.alice);
    assert_true(stage_until_all_in(&a.s, 5 * STAGE_SECOND));
    stage_agree(&a.s, 4);
    assert_true(
        bytes_equal(attack_roster_entry(a.bob, carol).certificates, buf_view(&again->encoded)));
    attack_close(&a);
}

static void time_passes(struct attack_scene *a, uint64_t us)
{
    a->s.now_us += us;
    stage_run(&a->s, 20 * STAGE_SECOND);
    assert_int_equal(stage_in_meeting(&a->s), 3);
    stage_agree(&a->s, 3);
}

/* A member keeps the verdict of when it came (src/meeting/policy.h). */
static void a_host_stays_host_when_its_certificate_ends(void **state)
{
    struct attack_scene a;
    (void)state;
    attack_open(&a);
    time_passes(&a, WEEKS);
    assert_int_equal(participant_lock(a.alice->p, true, a.s.now_us), 0);
    stage_carry_out(&a.s, a.alice);
    stage_run(&a.s, 5 * STAGE_SECOND);
    stage_agree(&a.s, 3);
    assert_true(a.bob->p->state.locked);
    assert_int_equal(attack_roster_entry(a.bob, a.alice).role, PARTICIPANT_ORGANISER);
    attack_close(&a);
}

static bool short_lived(struct attack_scene *a, struct stage_actor *who, struct buf *out)
{
    const struct identity_subject subject = {.kind = IDENTITY_USER, .name = who->person->name};
    struct buf request = {0};
    bool ok = identity_csr_make(who->person->signer, &request) == 0 &&
              identity_ca_issue(a->s.world.ca, buf_view(&request), &subject,
                                a->s.now_us / STAGE_SECOND, 2 * MEETING_DAY, out) == 0;
    buf_free(&request);
    return ok;
}

static void it_may_come_after_the_old_one_has_ended(void **state)
{
    struct attack_scene a;
    struct buf certificate = {0};
    (void)state;
    attack_open(&a);
    time_passes(&a, WEEKS);
    assert_true(short_lived(&a, a.alice, &certificate));
    const struct bytes chain = buf_view(&certificate);
    assert_int_equal(participant_renew(a.alice->p, &chain, 1, a.s.now_us), 0);
    stage_carry_out(&a.s, a.alice);
    stage_run(&a.s, 5 * STAGE_SECOND);
    stage_agree(&a.s, 3);
    assert_int_equal(a.alice->p->renewal, false);
    assert_int_equal(attack_roster_entry(a.bob, a.alice).role, PARTICIPANT_ORGANISER);
    buf_free(&certificate);
    attack_close(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_for_the_same_key_and_person),
        cmocka_unit_test(who_waits_knocks_with_it),
        cmocka_unit_test(a_host_stays_host_when_its_certificate_ends),
        cmocka_unit_test(it_may_come_after_the_old_one_has_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
