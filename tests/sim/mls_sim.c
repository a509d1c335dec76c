/* Two hundred members behind a bad network. They change the group in every way RFC 9420 knows, at
 * the same time; they lose, repeat, delay and reorder messages; they fall asleep, crash, lose their
 * disks and come back. Whoever enters an epoch finds there what the first one found: the same
 * secrets, tree and roster. Whoever was removed reads nothing after. In the end nobody is stuck.
 *
 * The script follows from a seed, which is printed. SIM_SEED, SIM_STEPS and SIM_MEMBERS replay a
 * run or ask for a longer one; keys are real, so bytes differ from run to run. */
#include <stdlib.h>

#include "sim/mls_world.h"

/* ---- The script ---- */

static void sleep_and_wake(struct world *w)
{
    for (size_t i = 0; i < w->n; i++) {
        struct member *x = &w->all[i];
        if (x->asleep != 0)
            x->asleep--;
        else if (chance(w, 4))
            x->asleep = 1 + (unsigned)pick(w, 4);
    }
}

static void disasters(struct world *w)
{
    struct member *x;
    for (size_t i = 0; i < 3 && (x = random_member(w)) != NULL; i++)
        crash(w, x);
    if ((x = random_member(w)) != NULL)
        fail_a_write(w, x);
    if ((x = random_member(w)) != NULL && chance(w, 70))
        party_save(&x->p);
    /* somebody has to be left to come back to */
    if ((x = random_member(w)) != NULL && mls_group_member_count(x->p.group) > 5 && chance(w, 20)) {
        leave_group(x);
        x->role = LOST;
        w->count.lost_disks++;
    }
    if (chance(w, 20))
        service_restart(&w->service);
}

static void follow_all(struct world *w, bool all)
{
    size_t first = pick(w, w->n);
    for (size_t i = 0; i < w->n; i++) {
        struct member *x = &w->all[(first + i) % w->n];
        if (x->asleep != 0 || x->p.group == NULL || x->role == INVITED)
            continue;
        /* of those that were removed some never hear of it */
        if (x->role == OUTSIDE && x->p.id % 2 == 0)
            continue;
        if (all || chance(w, 80))
            follow(w, x, all);
    }
}

static void step(struct world *w)
{
    struct member *x;
    sleep_and_wake(w);
    follow_all(w, false);
    for (size_t i = pick(w, 4); i > 0 && (x = random_member(w)) != NULL; i--)
        propose(w, x);
    follow_all(w, false);
    size_t rivals = 1 + pick(w, 3);
    w->count.competing += rivals > 1;
    for (size_t i = 0; i < rivals && (x = random_member(w)) != NULL; i++)
        commit(w, x);
    for (size_t i = 0; i < 6 && (x = random_member(w)) != NULL; i++)
        write_letter(w, x);
    deliver(w);
    disasters(w);
    for (size_t i = 0; i < w->n; i++)
        if (w->all[i].asleep == 0)
            wait_for_welcome(w, &w->all[i], false);
    if (chance(w, 10) && (x = random_member(w)) != NULL &&
        (x = random_outsider(w, x->p.group)) != NULL)
        join_external(w, x);
    w->step++;
}

/* Everybody wakes, hears everything, and whoever waits comes in or gives up. */
static void settle(struct world *w)
{
    bool waiting = true;
    for (int round = 0; waiting && round < 1000; round++) {
        waiting = false;
        for (size_t i = 0; i < w->n; i++)
            w->all[i].asleep = 0;
        follow_all(w, true);
        for (size_t i = 0; i < w->n; i++) {
            wait_for_welcome(w, &w->all[i], true);
            waiting |= w->all[i].role == INVITED || w->all[i].role == LOST;
        }
    }
    follow_all(w, true);
    deliver(w);
}

static void read_at_the_end(struct world *w, struct member *from)
{
    struct buf message = {0};
    struct mls_received r;
    OK(mls_group_clear_proposals(from->p.group));
    OK(mls_group_protect(from->p.group, NOTHING, bytes_str("the end"), &message));
    for (size_t i = 0; i < w->n; i++) {
        struct member *x = &w->all[i];
        if (x == from || x->p.group == NULL)
            continue;
        int rv = mls_group_receive(x->p.group, buf_view(&message), NOW, &r);
        if (x->role == INSIDE) {
            OK(rv);
            mls_received_free(&r);
        } else {
            assert_true(rv == CONCLAVE_EREMOVED || rv == CONCLAVE_EEPOCH);
            w->count.ghosts++;
        }
    }
    buf_free(&message);
}

static void check_the_end(struct world *w)
{
    size_t inside = 0;
    for (size_t i = 0; i < w->n; i++) {
        struct member *x = &w->all[i];
        if ((x->role == INSIDE) != x->present)
            print_error("%s: role %d, present %d\n", x->p.name, (int)x->role, x->present);
        assert_int_equal(x->role == INSIDE, x->present);
        if (x->role != INSIDE)
            continue;
        assert_int_equal(mls_group_epoch(x->p.group), w->service.epoch);
        enter(w, x);
        if (inside++ < 5)
            read_at_the_end(w, x);
    }
    for (size_t i = 0; i < w->n; i++) /* those who never heard of their removal hear it now */
        if (w->all[i].role == OUTSIDE && w->all[i].p.group != NULL) {
            follow(w, &w->all[i], true);
            assert_false(mls_group_is_member(w->all[i].p.group));
        }
    print_message("  %zu members, epoch %u\n", inside, (unsigned)w->service.epoch);
}

static uint64_t from_env(const char *name, uint64_t usual)
{
    const char *s = getenv(name);
    return s == NULL ? usual : strtoull(s, NULL, 0);
}

static void simulate(size_t members, uint64_t steps, bool private_handshakes)
{
    uint64_t seed = from_env("SIM_SEED", 20260919);
    struct world w;
    print_message("  SIM_SEED=%llu SIM_STEPS=%llu SIM_MEMBERS=%zu\n", (unsigned long long)seed,
                  (unsigned long long)steps, members);
    world_init(&w, members, private_handshakes, seed);
    while (w.step < steps)
        step(&w);
    settle(&w);
    check_the_end(&w);
    print_message("  %zu commits (%zu steps with rivals, %zu lost), %zu joins, %zu external "
                  "(%zu resumed), %zu removed\n",
                  w.count.commits, w.count.competing, w.count.dropped, w.count.joins,
                  w.count.external, w.count.resumed, w.count.removed);
    print_message("  %zu letters read, %zu refused, %zu tries of removed members, %zu handshakes "
                  "too early\n",
                  w.count.read, w.count.unreadable, w.count.ghosts, w.count.early);
    print_message("  %zu crashes, %zu lost disks, %zu writes that failed, %zu handshakes late, %zu "
                  "invalid\n",
                  w.count.crashes, w.count.lost_disks, w.count.failed_writes, w.service.late,
                  w.service.invalid);
    world_fini(&w);
}

static void two_hundred_members_converge_under_loss_and_rivalry(void **state)
{
    (void)state;
    simulate(from_env("SIM_MEMBERS", 200), from_env("SIM_STEPS", 45), false);
}

static void so_they_do_with_private_handshakes(void **state)
{
    (void)state;
    simulate(from_env("SIM_MEMBERS", 200) / 8, from_env("SIM_STEPS", 45), true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_hundred_members_converge_under_loss_and_rivalry),
        cmocka_unit_test(so_they_do_with_private_handshakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
