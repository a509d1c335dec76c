/* People, devices and tokens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants those before it */
#include <cmocka.h>

#include "store/account.h"

#define NOW 1700000000u

static int setup(void **state)
{
    struct store *s;
    if (store_open(":memory:", &s) != 0)
        return -1;
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    store_close(*state);
    return 0;
}

static struct store_user user_of(const char *email)
{
    struct store_user u = {.created_at = NOW, .password = {.cost_n = 1u << 15, 8, 1}};
    memcpy(u.email, email, strlen(email) + 1);
    memset(u.password.salt, 0x11, sizeof u.password.salt);
    memset(u.password.hash, 0x22, sizeof u.password.hash);
    return u;
}

static uint64_t add_user(struct store *s, const char *email)
{
    struct store_user u = user_of(email);
    uint64_t id = 0;
    assert_int_equal(store_user_add(s, &u, &id), 0);
    return id;
}

static void same_password(const struct store_password *a, const struct store_password *b)
{
    assert_memory_equal(a->salt, b->salt, sizeof a->salt);
    assert_memory_equal(a->hash, b->hash, sizeof a->hash);
    assert_true(a->cost_n == b->cost_n && a->cost_r == b->cost_r && a->cost_p == b->cost_p);
}

static void a_user_comes_out_as_it_went_in(void **state)
{
    struct store_user in = user_of("alice@company.com"), out;
    in.admin = true;
    assert_int_equal(store_user_add(*state, &in, &in.id), 0);
    assert_int_equal(store_user_find(*state, "alice@company.com", &out), 0);
    assert_true(out.id == in.id && out.admin && !out.disabled && out.created_at == NOW);
    assert_string_equal(out.email, in.email);
    same_password(&in.password, &out.password);
    assert_int_equal(store_user_get(*state, in.id, &out), 0);
    assert_string_equal(out.email, in.email);
    assert_int_equal(store_user_get(*state, in.id + 1, &out), CONCLAVE_ENOTFOUND);
    assert_int_equal(store_user_find(*state, "bob@company.com", &out), CONCLAVE_ENOTFOUND);
}

static void an_address_is_taken_once(void **state)
{
    struct store_user again = user_of("alice@company.com");
    uint64_t id = 7;
    (void)add_user(*state, "alice@company.com");
    assert_int_equal(store_user_add(*state, &again, &id), CONCLAVE_EDUPLICATE);
    assert_int_equal(id, 7);
}

static void a_user_is_changed_and_removed(void **state)
{
    struct store_password p = user_of("x").password;
    struct store_user out;
    uint64_t id = add_user(*state, "alice@company.com");
    p.salt[0] = 0x33;
    p.cost_p = 2;
    assert_int_equal(store_user_set_password(*state, id, &p), 0);
    assert_int_equal(store_user_set_flags(*state, id, true, true), 0);
    assert_int_equal(store_user_get(*state, id, &out), 0);
    same_password(&p, &out.password);
    assert_true(out.admin && out.disabled);
    assert_int_equal(store_user_remove(*state, id), 0);
    assert_int_equal(store_user_set_password(*state, id, &p), CONCLAVE_ENOTFOUND);
    assert_int_equal(store_user_set_flags(*state, id, true, true), CONCLAVE_ENOTFOUND);
    assert_int_equal(store_user_remove(*state, id), CONCLAVE_ENOTFOUND);
}

static void an_id_is_not_given_twice(void **state)
{
    uint64_t first = add_user(*state, "alice@company.com");
    assert_int_equal(store_user_remove(*state, first), 0);
    assert_true(add_user(*state, "alice@company.com") > first);
}

struct seen {
    uint64_t id[8];
    unsigned n, stop;
};

static bool see(struct seen *seen, uint64_t id)
{
    seen->id[seen->n++] = id;
    return seen->n < seen->stop;
}

static bool see_user(void *ctx, const struct store_user *u)
{
    return see(ctx, u->id);
}

static bool see_device(void *ctx, const struct store_device *d)
{
    return see(ctx, d->id);
}

static bool see_token(void *ctx, const struct store_token *t)
{
    return see(ctx, t->id);
}

static uint64_t add_device(struct store *s, const char *name)
{
    struct store_device d = {.created_at = NOW};
    uint64_t id = 0;
    memcpy(d.name, name, strlen(name) + 1);
    assert_int_equal(store_device_add(s, &d, &id), 0);
    return id;
}

static uint64_t add_token(struct store *s, uint8_t mark, enum store_token_kind kind, uint64_t owner,
                          uint64_t expires_at)
{
    struct store_token t = {.hash = {mark},
                            .kind = kind,
                            .owner = owner,
                            .identifier = "someone",
                            .created_at = NOW,
                            .expires_at = expires_at};
    uint64_t id = 0;
    assert_int_equal(store_token_add(s, &t, &id), 0);
    return id;
}

static void all_are_listed_in_pages(void **state)
{
    uint64_t u[3], d[3], t[3];
    for (unsigned i = 0; i < 3; i++) {
        char name[] = "a.b";
        name[0] = (char)('a' + i);
        u[i] = add_user(*state, name);
        d[i] = add_device(*state, name);
        t[i] = add_token(*state, (uint8_t)i, STORE_TOKEN_GUEST, 0, NOW);
    }
    struct seen users = {.stop = 9}, devices = {.stop = 9}, tokens = {.stop = 9};
    assert_int_equal(store_user_each(*state, u[0], 1, see_user, &users), 0);
    assert_true(users.n == 1 && users.id[0] == u[1]);
    assert_int_equal(store_device_each(*state, d[0], 9, see_device, &devices), 0);
    assert_true(devices.n == 2 && devices.id[0] == d[1] && devices.id[1] == d[2]);
    tokens.stop = 2;
    assert_int_equal(store_token_each(*state, 0, 9, see_token, &tokens), 0);
    assert_true(tokens.n == 2 && tokens.id[0] == t[0] && tokens.id[1] == t[1]);
}

static void a_code_activates_its_device_once(void **state)
{
    const uint8_t code[STORE_HASH] = {1}, wrong[STORE_HASH] = {2};
    struct store_device out;
    uint64_t id = add_device(*state, "room.company.com"), got = 0;
    assert_int_equal(store_activation_put(*state, code, id, NOW + 10), 0);
    assert_int_equal(store_activation_take(*state, wrong, NOW, &got), CONCLAVE_ENOTFOUND);
    assert_int_equal(store_device_get(*state, id, &out), 0);
    assert_false(out.activated);
    assert_int_equal(store_activation_take(*state, code, NOW + 9, &got), 0);
    assert_true(got == id);
    assert_int_equal(store_activation_take(*state, code, NOW + 9, &got), CONCLAVE_ENOTFOUND);
    assert_int_equal(store_device_get(*state, id, &out), 0);
    assert_true(out.activated && !out.revoked);
    assert_string_equal(out.name, "room.company.com");
}

static void a_code_ends_and_a_newer_one_takes_its_place(void **state)
{
    const uint8_t code[STORE_HASH] = {1}, newer[STORE_HASH] = {2};
    uint64_t id = add_device(*state, "room.company.com"), got = 0;
    assert_int_equal(store_activation_put(*state, code, id + 1, NOW), CONCLAVE_ENOTFOUND);
    assert_int_equal(store_activation_put(*state, code, id, NOW + 10), 0);
    assert_int_equal(store_activation_take(*state, code, NOW + 10, &got), CONCLAVE_ENOTFOUND);
    assert_int_equal(store_activation_put(*state, newer, id, NOW + 20), 0);
    assert_int_equal(store_activation_take(*state, code, NOW, &got), CONCLAVE_ENOTFOUND);
    assert_int_equal(store_activation_take(*state, newer, NOW + 10, &got), 0);
}

static void a_revoked_device_stays_and_frees_its_name(void **state)
{
    const uint8_t code[STORE_HASH] = {1};
    struct store_device out, again = {.name = "room.company.com"};
    uint64_t id = add_device(*state, "room.company.com"), other = 0, got = 0;
    assert_int_equal(store_device_add(*state, &again, &other), CONCLAVE_EDUPLICATE);
    assert_int_equal(store_activation_put(*state, code, id, NOW + 10), 0);
    assert_int_equal(store_device_revoke(*state, id), 0);
    assert_int_equal(store_device_revoke(*state, id), CONCLAVE_ENOTFOUND);
    assert_int_equal(store_activation_take(*state, code, NOW, &got), CONCLAVE_ENOTFOUND);
    assert_int_equal(store_device_get(*state, id, &out), 0);
    assert_true(out.revoked);
    assert_int_equal(store_device_add(*state, &again, &other), 0);
    assert_int_equal(store_device_get(*state, other + 1, &out), CONCLAVE_ENOTFOUND);
}

static void a_token_is_found_by_its_hash(void **state)
{
    const uint8_t hash[STORE_HASH] = {5}, none[STORE_HASH] = {6};
    struct store_token out;
    uint64_t id = add_token(*state, 5, STORE_TOKEN_DEVICE, 42, NOW + 10);
    assert_int_equal(store_token_find(*state, none, &out), CONCLAVE_ENOTFOUND);
    assert_int_equal(store_token_find(*state, hash, &out), 0);
    assert_true(out.id == id && out.kind == STORE_TOKEN_DEVICE && out.owner == 42);
    assert_true(out.created_at == NOW && out.expires_at == NOW + 10);
    assert_string_equal(out.identifier, "someone");
    assert_int_equal(store_token_remove(*state, id), 0);
    assert_int_equal(store_token_remove(*state, id), CONCLAVE_ENOTFOUND);
    assert_int_equal(store_token_find(*state, hash, &out), CONCLAVE_ENOTFOUND);
}

static void all_tokens_of_one_owner_go_but_the_one_in_use(void **state)
{
    struct seen seen = {.stop = 9};
    (void)add_token(*state, 1, STORE_TOKEN_USER, 42, NOW);
    uint64_t in_use = add_token(*state, 2, STORE_TOKEN_USER, 42, NOW);
    uint64_t other = add_token(*state, 3, STORE_TOKEN_USER, 43, NOW);
    uint64_t device = add_token(*state, 4, STORE_TOKEN_DEVICE, 42, NOW);
    assert_int_equal(store_token_remove_of(*state, STORE_TOKEN_USER, 42, in_use), 0);
    assert_int_equal(store_token_each(*state, 0, 9, see_token, &seen), 0);
    assert_true(seen.n == 3);
    assert_true(seen.id[0] == in_use && seen.id[1] == other && seen.id[2] == device);
}

static void what_has_ended_is_dropped(void **state)
{
    const uint8_t code[STORE_HASH] = {1};
    struct seen seen = {.stop = 9};
    uint64_t got = 0, device = add_device(*state, "room.company.com");
    (void)add_token(*state, 1, STORE_TOKEN_GUEST, 0, NOW);
    uint64_t valid = add_token(*state, 2, STORE_TOKEN_GUEST, 0, NOW + 1);
    assert_int_equal(store_activation_put(*state, code, device, NOW), 0);
    assert_int_equal(store_account_expire(*state, NOW), 0);
    assert_int_equal(store_token_each(*state, 0, 9, see_token, &seen), 0);
    assert_true(seen.n == 1 && seen.id[0] == valid);
    assert_int_equal(store_activation_take(*state, code, NOW - 1, &got), CONCLAVE_ENOTFOUND);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(a_user_comes_out_as_it_went_in),
        WITH_STORE(an_address_is_taken_once),
        WITH_STORE(a_user_is_changed_and_removed),
        WITH_STORE(an_id_is_not_given_twice),
        WITH_STORE(all_are_listed_in_pages),
        WITH_STORE(a_code_activates_its_device_once),
        WITH_STORE(a_code_ends_and_a_newer_one_takes_its_place),
        WITH_STORE(a_revoked_device_stays_and_frees_its_name),
        WITH_STORE(a_token_is_found_by_its_hash),
        WITH_STORE(all_tokens_of_one_owner_go_but_the_one_in_use),
        WITH_STORE(what_has_ended_is_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
