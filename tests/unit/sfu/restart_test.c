/* ICE restarts at the switch (RFC 8445 9): media go on meanwhile, the former name keeps consent, a
 * lost peer comes back, and a restart that fails has changed nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/alloc_fail.h"
#include "support/sfu_world.h"

#define PWD "anotherPasswordOfAMember"

/* Two members, connected, who speak and see each other. */
static struct sfu_world *open_call(void)
{
    struct sfu_world *w = sfu_world_new(3, NULL);

    for (uint32_t leaf = 0; leaf < 2; leaf++) {
        sfu_world_join_securely(w, leaf);
        sfu_world_speak(&w->members[leaf], 30);
        sfu_world_film(&w->members[leaf], SFU_CAMERA, 1);
    }
    sfu_world_watch_all(w, 720);
    sfu_world_run(w, 3 * SECOND);
    assert_true(w->members[0].connected && w->members[1].connected);
    return w;
}

static void forget_the_past(struct sfu_world *w)
{
    for (size_t i = 0; i < w->n_members; i++) {
        for (size_t k = 0; k < SFU_VIDEO_SLOTS; k++)
            w->members[i].slots[k].freeze_us = w->members[i].slots[k].frames = 0;
        memset(w->members[i].heard, 0, sizeof w->members[i].heard);
    }
}

static int restart(struct world_member *m, const char *ufrag, struct sfu_peer_answer *out)
{
    return sfu_peer_restart(m->world->sfu, m->number, bytes_str(ufrag), bytes_str(PWD), out);
}

/* The client learns of it, too. */
static void restart_both(struct world_member *m, const char *ufrag)
{
    static const struct rtc_address there = {.family = RTC_IPV4, .ip = {10, 1}, .port = 1};
    struct sfu_peer_answer answer = {0};

    assert_int_equal(restart(m, ufrag, &answer), 0);
    struct peer_config c = {
        .local = {bytes_str(ufrag), bytes_str(PWD)},
        .remote = {bytes_str(answer.ufrag), bytes_str(answer.pwd)},
        .candidates = &there,
        .n_candidates = 1,
    };
    assert_int_equal(peer_restart(m->peer, &c), 0);
}

static bool is_connected(const struct world_member *m)
{
    struct sfu_peer_stats s;

    assert_int_equal(sfu_peer_stats(m->world->sfu, m->number, m->world->now, &s), 0);
    return s.connected;
}

/* Everything of a second came to member `to`. */
static void assert_media_flow(struct sfu_world *w, uint32_t to)
{
    forget_the_past(w);
    sfu_world_run(w, SECOND);
    assert_in_range(w->members[to].heard[1 - to].packets, 48, 52);
    const struct world_slot *slot = sfu_world_slot(&w->members[to], 1 - to, SFU_CAMERA);
    assert_non_null(slot);
    assert_true(slot->frames >= 28 && slot->freeze_us < 100 * MS);
}

static void media_go_on_through_a_restart(void **state)
{
    (void)state;
    struct sfu_world *w = open_call();
    for (unsigned i = 0; i < 3; i++) {
        restart_both(&w->members[0], i % 2 == 0 ? "second" : "third");
        assert_media_flow(w, 0);
        assert_media_flow(w, 1);
        assert_int_equal(w->sfu->ufrags.n, 3); /* two of one, and the other's */
    }
    sfu_world_run(w, 40 * SECOND); /* consent goes by the new name */
    assert_media_flow(w, 0);
    sfu_world_leave(&w->members[0]);
    assert_int_equal(w->sfu->ufrags.n, 1);
    sfu_world_free(w);
}

/* The client may never have heard of it. */
static void the_former_name_keeps_consent(void **state)
{
    struct sfu_peer_answer answer;

    (void)state;
    struct sfu_world *w = open_call();
    assert_int_equal(restart(&w->members[0], "second", &answer), 0);
    sfu_world_run(w, 60 * SECOND);
    assert_true(is_connected(&w->members[0]));
    assert_media_flow(w, 0);
    sfu_world_free(w);
}

static void but_not_the_one_before_that(void **state)
{
    struct sfu_peer_answer answer;

    (void)state;
    struct sfu_world *w = open_call();
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(restart(&w->members[0], "second", &answer), 0);
    sfu_world_run(w, 60 * SECOND);
    assert_false(is_connected(&w->members[0]));
    sfu_world_free(w);
}

static void after_a_restart_media_go_to_a_new_address(void **state)
{
    (void)state;
    struct sfu_world *w = open_call();
    struct world_member *m = &w->members[0];
    m->address.ip[2] = 77; /* another network; what comes back is told by the port */
    restart_both(m, "second");
    sfu_world_run(w, 3 * SECOND);
    assert_true(is_connected(m));
    const struct sfu_peer *p = sfu_peer_of(w->sfu, m->number);
    assert_true(rtc_address_equal(&p->lane.to, &m->address));
    assert_media_flow(w, 0);
    assert_media_flow(w, 1);
    sfu_world_free(w);
}

static void a_lost_peer_comes_back_by_a_restart(void **state)
{
    (void)state;
    struct sfu_world *w = open_call();
    struct world_member *m = &w->members[0];
    m->up.dark_from = m->down.dark_from = w->now;
    m->up.dark_to = m->down.dark_to = w->now + 40 * SECOND;
    sfu_world_run(w, 41 * SECOND);
    assert_false(is_connected(m));
    restart_both(m, "second");
    sfu_world_run(w, 4 * SECOND);
    assert_true(is_connected(m));
    assert_media_flow(w, 0);
    assert_media_flow(w, 1);
    sfu_world_free(w);
}

static void a_restart_that_is_refused_changes_nothing(void **state)
{
    struct sfu_peer_answer answer = {.ufrag = "untouched"};

    (void)state;
    struct sfu_world *w = open_call();
    struct world_member *m = &w->members[0];
    assert_int_equal(sfu_peer_restart(w->sfu, 4711, bytes_str("second"), bytes_str(PWD), &answer),
                     CONCLAVE_ENOTFOUND);
    assert_int_equal(restart(m, "abc", &answer), CONCLAVE_EINVAL); /* RFC 8839 5.4: four at least */
    assert_int_equal(
        sfu_peer_restart(w->sfu, m->number, bytes_str("second"), bytes_str("short"), &answer),
        CONCLAVE_EINVAL);
    assert_string_equal(answer.ufrag, "untouched");
    assert_int_equal(w->sfu->ufrags.n, 2);
    sfu_world_run(w, 40 * SECOND);
    assert_media_flow(w, 0);
    sfu_world_free(w);
}

static void without_memory_a_restart_changes_nothing(void **state)
{
    struct sfu_peer_answer answer;
    bool hit = true;

    (void)state;
    struct sfu_world *w = open_call();
    struct world_member *m = &w->members[0];
    for (size_t n = 0; hit; n++) {
        alloc_fail_after(n);
        int rv = restart(m, "second", &answer);
        hit = alloc_fail_hit();
        alloc_fail_off();
        assert_int_equal(rv, hit ? CONCLAVE_ENOMEM : 0);
        assert_int_equal(w->sfu->ufrags.n, hit ? 2 : 3);
    }
    sfu_world_run(w, 40 * SECOND);
    assert_media_flow(w, 0);
    sfu_world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(media_go_on_through_a_restart),
        cmocka_unit_test(the_former_name_keeps_consent),
        cmocka_unit_test(but_not_the_one_before_that),
        cmocka_unit_test(after_a_restart_media_go_to_a_new_address),
        cmocka_unit_test(a_lost_peer_comes_back_by_a_restart),
        cmocka_unit_test(a_restart_that_is_refused_changes_nothing),
        cmocka_unit_test(without_memory_a_restart_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
