/* Signing up, in and out, and passwords. */
#include "base/base64.h"
#include "service/password.h"
#include "service_world.h"

#define EMAIL "ada@company.com"
#define PASSWORD "correct horse battery"
#define SIGN_IN "/api/v1/sign-in"

static const char good[] = "{\"email\": \"" EMAIL "\", \"password\": \"" PASSWORD "\"}";
static const char wrong[] = "{\"email\": \"" EMAIL "\", \"password\": \"wrong horse\"}";

static uint64_t add_ada(struct world *w)
{
    struct store_user u = {.email = EMAIL, .created_at = w->now};
    struct password_job job = {0};
    uint64_t id;
    assert_int_equal(password_anew(&job, PASSWORD, w->crypto), 0);
    password_run(&job);
    assert_int_equal(job.rv, 0);
    u.password = job.made;
    password_fini(&job);
    assert_int_equal(store_user_add(w->store, &u, &id), 0);
    return id;
}

static void whoever_knows_the_password_gets_a_token(void **state)
{
    struct world *w = *state;
    char token[SESSION_TEXT];
    (void)add_ada(w);
    assert_int_equal(world_ask(w, "POST", SIGN_IN, NULL, good), 200);
    assert_string_equal(world_text(w, "identifier"), EMAIL);
    assert_true(world_number(w, "expires") == (json_int_t)(WORLD_NOW + 30 * WORLD_DAY));
    world_audited(w, "user:1", "sign-in", "user:1");
    memcpy(token, world_text(w, "token"), sizeof token);

    assert_int_equal(world_ask(w, "GET", "/api/v1/session", token, NULL), 200);
    assert_string_equal(world_text(w, "identifier"), EMAIL);
    assert_string_equal(world_text(w, "kind"), "user");
    assert_true(json_is_false(json_object_get(w->json, "admin")));

    assert_int_equal(world_ask(w, "POST", "/api/v1/sign-out", token, NULL), 204);
    world_audited(w, "user:1", "sign-out", "user:1");
    (void)world_ask(w, "GET", "/api/v1/session", token, NULL);
    world_failed(w, 401, "TOKEN");
}

static void an_address_has_no_case(void **state)
{
    struct world *w = *state;
    (void)add_ada(w);
    assert_int_equal(world_ask(w, "POST", SIGN_IN, NULL,
                               "{\"email\": \"ADA@Company.com\", \"password\": \"" PASSWORD "\"}"),
                     200);
    assert_string_equal(world_text(w, "identifier"), EMAIL);
}

/* Byte for byte, and after the same work. */
static void nobody_learns_which_accounts_there_are(void **state)
{
    struct world *w = *state;
    struct buf said = {0};
    uint64_t id = add_ada(w);
    static const char unknown[] =
        "{\"email\": \"eve@company.com\", \"password\": \"" PASSWORD "\"}";
    const struct {
        const char *body;
        bool disabled;
    } tries[] = {{wrong, false}, {unknown, false}, {good, true}};
    for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
        assert_int_equal(store_user_set_flags(w->store, id, false, tries[i].disabled), 0);
        assert_int_equal(world_ask(w, "POST", SIGN_IN, NULL, tries[i].body), 401);
        world_failed(w, 401, "SIGN_IN");
        if (i == 0)
            buf_put(&said, buf_view(&w->response.body));
        assert_true(bytes_equal(buf_view(&said), buf_view(&w->response.body)));
    }
    assert_int_equal(world_audit_count(w), 0);
    buf_free(&said);
}

static void what_changes_during_the_work_counts(void **state)
{
    struct world *w = *state;
    const struct store_password other = {.cost_n = 2, .cost_r = 1, .cost_p = 1};
    uint64_t id = add_ada(w);
    struct service_work *work = world_begin(w, "POST", SIGN_IN, NULL, good);
    service_work_run(work);
    assert_int_equal(store_user_set_flags(w->store, id, false, true), 0);
    (void)world_finish(w, work);
    world_failed(w, 401, "SIGN_IN");

    assert_int_equal(store_user_set_flags(w->store, id, false, false), 0);
    work = world_begin(w, "POST", SIGN_IN, NULL, good);
    service_work_run(work);
    assert_int_equal(store_user_set_password(w->store, id, &other), 0);
    (void)world_finish(w, work);
    world_failed(w, 401, "SIGN_IN");

    work = world_begin(w, "POST", SIGN_IN, NULL, good);
    service_work_run(work);
    assert_int_equal(store_user_remove(w->store, id), 0);
    (void)world_finish(w, work);
    world_failed(w, 401, "SIGN_IN");
}

static void each_wrong_field_is_named(void **state)
{
    struct world *w = *state;
    static const char *const cases[][2] = {
        {"{\"password\": \"x\"}", "email"},
        {"{\"email\": 7, \"password\": \"x\"}", "email"},
        {"{\"email\": \"\", \"password\": \"x\"}", "email"},
        {"{\"email\": \"ada\", \"password\": \"x\"}", "email"},
        {"{\"email\": \"a da@company.com\", \"password\": \"x\"}", "email"},
        {"{\"email\": \"" EMAIL "\"}", "password"},
        {"{\"email\": \"" EMAIL "\", \"password\": []}", "password"},
        {"{\"email\": \"" EMAIL "\", \"password\": \"x\", \"method\": \"oracle\"}", "method"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        (void)world_ask(w, "POST", SIGN_IN, NULL, cases[i][0]);
        world_failed_field(w, cases[i][1]);
    }
}

/* Begun only: the work would take long. */
static int try(struct world *w, const char *body)
{
    struct service_work *work = world_begin(w, "POST", SIGN_IN, NULL, body);
    if (work == NULL)
        return w->response.status;
    return world_finish(w, work);
}

static void tries_are_counted_for_each_account(void **state)
{
    struct world *w = *state;
    char address[] = "192.0.2.100";
    (void)add_ada(w);
    w->address = address;
    for (unsigned i = 0; i < 20; i++) {
        address[10] = (char)('0' + i % 10); /* from many places */
        assert_int_not_equal(try(w, wrong), 429);
    }
    (void)try(w, good);
    world_failed(w, 429, "SIGN_IN_LIMIT");
    w->now += 30;
    assert_int_equal(world_ask(w, "POST", SIGN_IN, NULL, good), 200);
}

static void tries_are_counted_for_each_address(void **state)
{
    struct world *w = *state;
    char body[] = "{\"email\": \"a.@company.com\", \"password\": \"password\"}";
    char *letter = strchr(body, '.');
    (void)add_ada(w);
    for (unsigned i = 0; i < 30; i++) {
        *letter = (char)('a' + i % 26); /* of many people */
        assert_int_not_equal(try(w, body), 429);
    }
    (void)try(w, good);
    world_failed(w, 429, "SIGN_IN_LIMIT");
    w->address = "192.0.2.99";
    assert_int_equal(world_ask(w, "POST", SIGN_IN, NULL, good), 200);
}

static void as_much_work_as_there_may_be_is_under_way(void **state)
{
    struct world *w = *state;
    struct service_work *work[8];
    for (size_t i = 0; i < 8; i++) {
        work[i] = world_begin(w, "POST", SIGN_IN, NULL, wrong);
        assert_non_null(work[i]);
    }
    assert_null(world_begin(w, "POST", SIGN_IN, NULL, wrong));
    world_failed(w, 503, "SERVER_ERROR");
    for (size_t i = 0; i < 8; i++)
        (void)world_finish(w, work[i]);
    work[0] = world_begin(w, "POST", SIGN_IN, NULL, wrong);
    assert_non_null(work[0]);
    (void)world_finish(w, work[0]);
}

static void a_token_ends(void **state)
{
    struct world *w = *state;
    struct token ada = world_user(w, EMAIL, false);
    w->now += 30 * WORLD_DAY - 1;
    assert_int_equal(world_ask(w, "GET", "/api/v1/session", ada.text, NULL), 200);
    w->now++;
    (void)world_ask(w, "GET", "/api/v1/session", ada.text, NULL);
    world_failed(w, 401, "TOKEN");
}

static void the_store_holds_no_token(void **state)
{
    struct world *w = *state;
    struct token ada = world_user(w, EMAIL, false);
    struct store_token row;
    struct buf raw = {0};
    assert_int_equal(base64url_read(bytes_str(ada.text), &raw), 0);
    assert_int_equal(raw.n, STORE_HASH);
    assert_int_equal(store_token_find(w->store, raw.p, &row), CONCLAVE_ENOTFOUND);
    buf_free(&raw);
}

static void the_ways_to_sign_in_are_told(void **state)
{
    struct world *w = *state;
    assert_int_equal(world_ask(w, "GET", SIGN_IN, NULL, NULL), 200);
    assert_string_equal(json_string_value(json_array_get(world_list(w, "methods", 1), 0)),
                        "password");
    assert_true(json_is_false(json_object_get(w->json, "sign_up")));
    world_open_sign_up(w);
    assert_int_equal(world_ask(w, "GET", SIGN_IN, NULL, NULL), 200);
    assert_true(json_is_true(json_object_get(w->json, "sign_up")));
}

/* ---- Sign-up ---- */

static void signing_up_is_closed_unless_it_is_opened(void **state)
{
    struct world *w = *state;
    (void)world_ask(w, "POST", "/api/v1/sign-up", NULL, good);
    world_failed(w, 403, "NOT_ENTITLED");
    world_open_sign_up(w);
    assert_int_equal(world_ask(w, "POST", "/api/v1/sign-up", NULL, good), 201);
    assert_string_equal(world_text(w, "identifier"), EMAIL);
    char token[SESSION_TEXT];
    memcpy(token, world_text(w, "token"), sizeof token);
    assert_int_equal(world_ask(w, "GET", "/api/v1/session", token, NULL), 200);
    assert_int_equal(world_ask(w, "POST", SIGN_IN, NULL, good), 200);
    (void)world_ask(w, "POST", "/api/v1/sign-up", NULL, good);
    world_failed(w, 409, "NAME_TAKEN");
}

static void a_password_has_a_length(void **state)
{
    struct world *w = *state;
    char body[400];
    world_open_sign_up(w);
    for (size_t n = 0; n <= 257; n = n == 0 ? 7 : n + 250) {
        memset(body, 0, sizeof body);
        (void)strcpy(body, "{\"email\": \"" EMAIL "\", \"password\": \"");
        memset(body + strlen(body), 'x', n);
        (void)strcat(body, "\"}");
        (void)world_ask(w, "POST", "/api/v1/sign-up", NULL, body);
        if (n == 0)
            world_failed_field(w, "password");
        else
            world_failed(w, 400, "PASSWORD_RULES");
    }
    (void)world_ask(w, "POST", "/api/v1/sign-up", NULL, "{\"password\": \"long enough\"}");
    world_failed_field(w, "email");
}

/* ---- Changing the password ---- */

#define CHANGE "/api/v1/password"
static const char change[] = "{\"old\": \"" PASSWORD "\", \"password\": \"another horse\"}";

static void a_changed_password_ends_all_other_sessions(void **state)
{
    struct world *w = *state;
    char mine[SESSION_TEXT], other[SESSION_TEXT];
    (void)add_ada(w);
    assert_int_equal(world_ask(w, "POST", SIGN_IN, NULL, good), 200);
    memcpy(mine, world_text(w, "token"), sizeof mine);
    assert_int_equal(world_ask(w, "POST", SIGN_IN, NULL, good), 200);
    memcpy(other, world_text(w, "token"), sizeof other);
    assert_int_equal(world_ask(w, "POST", CHANGE, mine, change), 204);
    world_audited(w, "user:1", "password", "user:1");
    assert_int_equal(world_ask(w, "GET", "/api/v1/session", mine, NULL), 200);
    assert_int_equal(world_ask(w, "GET", "/api/v1/session", other, NULL), 401);
    assert_int_equal(world_ask(w, "POST", SIGN_IN, NULL, good), 401);
    assert_int_equal(world_ask(w, "POST", SIGN_IN, NULL,
                               "{\"email\": \"" EMAIL "\", \"password\": \"another horse\"}"),
                     200);
}

static void a_password_is_changed_by_who_knows_it(void **state)
{
    struct world *w = *state;
    struct token guest = world_guest(w);
    char mine[SESSION_TEXT];
    (void)world_ask(w, "POST", CHANGE, NULL, change);
    world_failed(w, 401, "TOKEN");
    (void)world_ask(w, "POST", CHANGE, guest.text, change);
    world_failed(w, 403, "NOT_ENTITLED");
    (void)add_ada(w);
    assert_int_equal(world_ask(w, "POST", SIGN_IN, NULL, good), 200);
    memcpy(mine, world_text(w, "token"), sizeof mine);
    (void)world_ask(w, "POST", CHANGE, mine, "{\"old\": \"x\", \"password\": \"another horse\"}");
    world_failed(w, 401, "SIGN_IN");
    (void)world_ask(w, "POST", CHANGE, mine, "{\"password\": \"another horse\"}");
    world_failed_field(w, "old");
    (void)world_ask(w, "POST", CHANGE, mine, "{\"old\": \"" PASSWORD "\"}");
    world_failed_field(w, "password");
    (void)world_ask(w, "POST", CHANGE, mine,
                    "{\"old\": \"" PASSWORD "\", \"password\": \"short\"}");
    world_failed(w, 400, "PASSWORD_RULES");
    assert_int_equal(world_ask(w, "POST", SIGN_IN, NULL, good), 200);
}

static void an_account_disabled_during_the_change_keeps_its_password(void **state)
{
    struct world *w = *state;
    char mine[SESSION_TEXT];
    struct store_user before, after;
    uint64_t id = add_ada(w);
    assert_int_equal(world_ask(w, "POST", SIGN_IN, NULL, good), 200);
    memcpy(mine, world_text(w, "token"), sizeof mine);
    assert_int_equal(store_user_get(w->store, id, &before), 0);
    struct service_work *work = world_begin(w, "POST", CHANGE, mine, change);
    service_work_run(work);
    assert_int_equal(store_user_set_flags(w->store, id, false, true), 0);
    (void)world_finish(w, work);
    world_failed(w, 401, "TOKEN");
    assert_int_equal(store_user_get(w->store, id, &after), 0);
    assert_memory_equal(before.password.hash, after.password.hash, STORE_HASH);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(whoever_knows_the_password_gets_a_token),
        WITH_WORLD(an_address_has_no_case),
        WITH_WORLD(nobody_learns_which_accounts_there_are),
        WITH_WORLD(what_changes_during_the_work_counts),
        WITH_WORLD(each_wrong_field_is_named),
        WITH_WORLD(tries_are_counted_for_each_account),
        WITH_WORLD(tries_are_counted_for_each_address),
        WITH_WORLD(as_much_work_as_there_may_be_is_under_way),
        WITH_WORLD(a_token_ends),
        WITH_WORLD(the_store_holds_no_token),
        WITH_WORLD(the_ways_to_sign_in_are_told),
        WITH_WORLD(signing_up_is_closed_unless_it_is_opened),
        WITH_WORLD(a_password_has_a_length),
        WITH_WORLD(a_changed_password_ends_all_other_sessions),
        WITH_WORLD(a_password_is_changed_by_who_knows_it),
        WITH_WORLD(an_account_disabled_during_the_change_keeps_its_password),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
