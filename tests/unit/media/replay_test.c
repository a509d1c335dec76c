/* The replay window against the plainest possible one. */
#include "media.h"

#include "base/replay.h"

#define NUMBERS 20000

/* Remembers everything. */
struct naive {
    bool seen[NUMBERS];
    uint64_t next;
};

static bool naive_accept(struct naive *w, uint64_t number)
{
    if (number < w->next && (w->next - number > REPLAY_WINDOW || w->seen[number]))
        return false;
    w->seen[number] = true;
    if (number >= w->next)
        w->next = number + 1;
    return true;
}

static bool accept_if_new(struct replay *r, uint64_t number)
{
    if (!replay_check(r, number))
        return false;
    replay_accept(r, number);
    return true;
}

static void each_number_is_accepted_once_within_the_window(void **state)
{
    static struct naive naive;
    struct replay window = {0};
    struct random random = {1};
    uint64_t at = 5000;
    (void)state;
    for (int i = 0; i < 200000 && at < NUMBERS - 200; i++) {
        at += random_u64(&random) % 64 == 0 ? random_u64(&random) % 150 : 0;
        uint64_t back = random_u64(&random) % (REPLAY_WINDOW + 200);
        uint64_t number = random_u64(&random) % 4 == 0 ? at : at - back;
        assert_int_equal(accept_if_new(&window, number), naive_accept(&naive, number));
    }
}

static void a_large_jump_forgets_nothing_that_matters(void **state)
{
    struct replay window = {0};
    (void)state;
    assert_true(accept_if_new(&window, 7));
    assert_true(accept_if_new(&window, 1000000));
    assert_false(replay_check(&window, 7));
    assert_false(replay_check(&window, 1000000));
    for (uint64_t i = 1000000 - REPLAY_WINDOW + 1; i < 1000000; i++)
        assert_true(accept_if_new(&window, i));
    assert_false(replay_check(&window, 1000000 - REPLAY_WINDOW));
}

static void the_highest_number_of_all_is_accepted_once(void **state)
{
    struct replay window = {0};
    (void)state;
    assert_true(accept_if_new(&window, UINT64_MAX));
    assert_false(replay_check(&window, UINT64_MAX));
    assert_true(accept_if_new(&window, UINT64_MAX - 2));
    assert_true(accept_if_new(&window, UINT64_MAX - REPLAY_WINDOW + 1));
    assert_false(replay_check(&window, UINT64_MAX - REPLAY_WINDOW));
}

static void asking_changes_nothing(void **state)
{
    struct replay window = {0};
    (void)state;
    assert_true(replay_check(&window, 12));
    assert_true(replay_check(&window, 12));
    assert_false(window.any);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_number_is_accepted_once_within_the_window),
        cmocka_unit_test(a_large_jump_forgets_nothing_that_matters),
        cmocka_unit_test(the_highest_number_of_all_is_accepted_once),
        cmocka_unit_test(asking_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
