/* Accounts, devices, tokens and the log, as administrators see them. */
#include "service_world.h"

#define USERS "/api/v1/admin/users"
#define DEVICES "/api/v1/admin/devices"
#define TOKENS "/api/v1/admin/tokens"
#define SESSION "/api/v1/session"

static int on(struct world *w, const char *method, const char *list, uint64_t id, const char *rest,
              const char *token, const char *body)
{
    char path[96];
    (void)snprintf(path, sizeof path, "%s/%llu%s", list, (unsigned long long)id, rest);
    return world_ask(w, method, path, token, body);
}

static int sign_in(struct world *w, const char *email, const char *password)
{
    return world_ask_json(w, "POST", "/api/v1/sign-in", NULL,
                          json_pack("{s:s, s:s}", "email", email, "password", password));
}

/* ---- People ---- */

static void an_account_is_made_and_signs_in(void **state)
{
    struct world *w = *state;
    struct token admin = world_operator(w);
    assert_int_equal(world_ask(w, "POST", USERS, admin.text,
                               "{\"email\": \"Grace@company.com\", \"password\": \"nanoseconds\","
                               " \"admin\": true}"),
                     201);
    assert_string_equal(world_text(w, "email"), "grace@company.com");
    assert_int_equal(world_number(w, "id"), 1);
    assert_true(world_number(w, "created_at") == (json_int_t)WORLD_NOW);
    world_audited(w, "operator:1", "user-create", "user:1");
    assert_int_equal(sign_in(w, "grace@company.com", "nanoseconds"), 200);
    assert_int_equal(world_ask(w, "POST", USERS, admin.text,
                               "{\"email\": \"grace@company.com\", \"password\": \"nanoseconds\"}"),
                     409);
    world_failed(w, 409, "NAME_TAKEN");
}

static void an_account_needs_a_name_and_a_password(void **state)
{
    struct world *w = *state;
    struct token admin = world_operator(w);
    static const char *const cases[][2] = {
        {"{}", "email"},
        {"{\"email\": \"grace\", \"password\": \"nanoseconds\"}", "email"},
        {"{\"email\": \"grace@company.com\"}", "password"},
        {"{\"email\": \"grace@company.com\", \"password\": \"nanoseconds\", \"admin\": 1}",
         "admin"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        (void)world_ask(w, "POST", USERS, admin.text, cases[i][0]);
        world_failed_field(w, cases[i][1]);
    }
    (void)world_ask(w, "POST", USERS, admin.text,
                    "{\"email\": \"grace@company.com\", \"password\": \"short\"}");
    world_failed(w, 400, "PASSWORD_RULES");
}

static void accounts_are_listed_without_their_passwords(void **state)
{
    struct world *w = *state;
    struct token admin = world_user(w, "root@company.com", true);
    (void)world_user(w, "ada@company.com", false);
    assert_int_equal(world_ask(w, "GET", USERS, admin.text, NULL), 200);
    const json_t *ada = json_array_get(world_list(w, "users", 2), 1);
    assert_string_equal(json_string_value(json_object_get(ada, "email")), "ada@company.com");
    assert_int_equal(json_object_size(ada), 5);
    assert_int_equal(world_ask_query(w, USERS, "max=1", admin.text), 200);
    assert_string_equal(world_text(w, "next"), "1");
    assert_int_equal(world_ask_query(w, USERS, "max=1&after=1", admin.text), 200);
    ada = json_array_get(world_list(w, "users", 1), 0);
    assert_string_equal(json_string_value(json_object_get(ada, "email")), "ada@company.com");
}

static void a_disabled_account_is_out_at_once(void **state)
{
    struct world *w = *state;
    struct token admin = world_operator(w), ada = world_user(w, "ada@company.com", false);
    assert_int_equal(on(w, "PATCH", USERS, ada.id, "", admin.text, "{\"disabled\": true}"), 200);
    assert_true(json_is_true(json_object_get(w->json, "disabled")));
    assert_int_equal(world_ask(w, "GET", SESSION, ada.text, NULL), 401);
    /* enabled again: the token is gone all the same */
    assert_int_equal(on(w, "PATCH", USERS, ada.id, "", admin.text, "{\"disabled\": false}"), 200);
    assert_int_equal(world_ask(w, "GET", SESSION, ada.text, NULL), 401);
}

static void an_administrator_is_made_and_unmade(void **state)
{
    struct world *w = *state;
    struct token admin = world_operator(w), ada = world_user(w, "ada@company.com", false);
    assert_int_equal(world_ask(w, "GET", USERS, ada.text, NULL), 403);
    assert_int_equal(on(w, "PATCH", USERS, ada.id, "", admin.text, "{\"admin\": true}"), 200);
    world_audited(w, NULL, "user-admin", "user:1");
    assert_int_equal(world_ask(w, "GET", USERS, ada.text, NULL), 200);
    assert_int_equal(on(w, "PATCH", USERS, ada.id, "", admin.text, "{\"admin\": false}"), 200);
    assert_int_equal(world_ask(w, "GET", USERS, ada.text, NULL), 403);
}

static void nobody_locks_oneself_out(void **state)
{
    struct world *w = *state;
    struct token root = world_user(w, "root@company.com", true);
    (void)on(w, "PATCH", USERS, root.id, "", root.text, "{\"admin\": false}");
    world_failed(w, 403, "NOT_ENTITLED");
    (void)on(w, "PATCH", USERS, root.id, "", root.text, "{\"disabled\": true}");
    world_failed(w, 403, "NOT_ENTITLED");
    (void)on(w, "DELETE", USERS, root.id, "", root.text, NULL);
    world_failed(w, 403, "NOT_ENTITLED");
    assert_int_equal(on(w, "PATCH", USERS, root.id, "", root.text, "{}"), 200);
}

static void a_password_that_was_set_ends_all_sessions(void **state)
{
    struct world *w = *state;
    struct token admin = world_operator(w), ada = world_user(w, "ada@company.com", false);
    assert_int_equal(
        on(w, "PUT", USERS, ada.id, "/password", admin.text, "{\"password\": \"a new password\"}"),
        204);
    world_audited(w, NULL, "password", "user:1");
    assert_int_equal(world_ask(w, "GET", SESSION, ada.text, NULL), 401);
    assert_int_equal(sign_in(w, "ada@company.com", "a new password"), 200);
    (void)on(w, "PUT", USERS, ada.id, "/password", admin.text, "{\"password\": \"short\"}");
    world_failed(w, 400, "PASSWORD_RULES");
}

static void a_deleted_account_takes_its_meetings_along(void **state)
{
    struct world *w = *state;
    struct token admin = world_operator(w), ada = world_user(w, "ada@company.com", false);
    struct store_meeting m = {.number = "0123456789", .owner = "ada@company.com"};
    struct store_meeting other = {.number = "1111111111", .meeting_id = {1}, .owner = "b@x.y"};
    assert_int_equal(store_meeting_add(w->store, &m), 0);
    assert_int_equal(store_meeting_add(w->store, &other), 0);
    memcpy(w->hall.live[w->hall.n_live++], "0123456789", 11);
    assert_int_equal(on(w, "DELETE", USERS, ada.id, "", admin.text, NULL), 204);
    world_audited(w, NULL, "user-delete", "user:1");
    assert_int_equal(w->hall.n_ended, 1);
    assert_int_equal(world_ask(w, "GET", SESSION, ada.text, NULL), 401);
    assert_int_equal(store_meeting_get(w->store, "0123456789", &m), CONCLAVE_ENOTFOUND);
    assert_int_equal(store_meeting_get(w->store, "1111111111", &other), 0);
    store_meeting_fini(&other);
}

static void what_is_not_there_is_not_found(void **state)
{
    struct world *w = *state;
    struct token admin = world_operator(w);
    static const char *const requests[][3] = {
        {"PATCH", USERS "/7", "{}"},
        {"PATCH", USERS "/x", "{}"},
        {"PATCH", USERS "/-1", "{}"},
        {"PATCH", USERS "/99999999999999999999", "{}"},
        {"DELETE", USERS "/7", NULL},
        {"PUT", USERS "/7/password", "{\"password\": \"long enough\"}"},
        {"DELETE", DEVICES "/7", NULL},
        {"POST", DEVICES "/7/code", NULL},
        {"DELETE", TOKENS "/7", NULL},
    };
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        uint64_t audited = world_audit_count(w);
        (void)world_ask(w, requests[i][0], requests[i][1], admin.text, requests[i][2]);
        world_failed(w, 404, "NO_SUCH_ENTRY");
        assert_true(world_audit_count(w) == audited);
    }
}

/* ---- Devices ---- */

static int activate(struct world *w, const char *code)
{
    return world_ask_json(w, "POST", "/api/v1/devices/activate", NULL,
                          json_pack("{s:s}", "code", code));
}

static void keep(const char *text, char out[static 64])
{
    (void)snprintf(out, 64, "%s", text);
}

static void a_code_turns_a_device_on_once(void **state)
{
    struct world *w = *state;
    struct token admin = world_operator(w);
    char code[64], token[64];
    assert_int_equal(world_ask(w, "POST", DEVICES, admin.text, "{\"name\": \"Room.company.com\"}"),
                     201);
    assert_true(world_number(w, "expires") == (json_int_t)(WORLD_NOW + 3600));
    keep(world_text(w, "code"), code);
    assert_int_equal(strlen(code), 14);
    world_audited(w, "operator:1", "device-code", "device:1");

    assert_int_equal(activate(w, code), 200);
    assert_string_equal(world_text(w, "identifier"), "room.company.com");
    keep(world_text(w, "token"), token);
    world_audited(w, "device:1", "device-activate", "device:1");
    (void)activate(w, code);
    world_failed(w, 403, "ACTIVATION_CODE");

    assert_int_equal(world_ask(w, "GET", SESSION, token, NULL), 200);
    assert_string_equal(world_text(w, "kind"), "device");
    assert_int_equal(world_ask(w, "GET", DEVICES, admin.text, NULL), 200);
    const json_t *d = json_array_get(world_list(w, "devices", 1), 0);
    assert_true(json_is_true(json_object_get(d, "activated")));
    assert_string_equal(json_string_value(json_object_get(d, "name")), "room.company.com");
}

/* Another case, other spacing, 0 for O and 1 for I: what happens between a screen and a
 * keyboard. */
static void a_code_is_read_as_people_type_it(void **state)
{
    struct world *w = *state;
    struct token admin = world_operator(w);
    char code[64], typed[64];
    assert_int_equal(world_ask(w, "POST", DEVICES, admin.text, "{\"name\": \"room.company.com\"}"),
                     201);
    keep(world_text(w, "code"), code);
    size_t n = 0;
    for (const char *p = code; *p != '\0'; p++) {
        typed[n++] = *p == 'O' ? '0' : *p == 'I' ? '1' : *p == '-' ? ' ' : *p;
        if (typed[n - 1] >= 'A' && typed[n - 1] <= 'Z')
            typed[n - 1] = (char)(typed[n - 1] - 'A' + 'a');
    }
    typed[n] = '\0';
    assert_int_equal(activate(w, typed), 200);
}

static void wrong_codes_are_refused_and_counted(void **state)
{
    struct world *w = *state;
    static const char *const wrong[] = {"KKH7-CVMG-VQT", "KKH7-CVMG-VQTCA", "KKH7-CVMG-VQT8",
                                        "KKH7-CVMG-VQTC", "------------"};
    (void)world_ask(w, "POST", "/api/v1/devices/activate", NULL, "{}");
    world_failed_field(w, "code");
    for (unsigned i = 0; i < 10; i++) {
        (void)activate(w, wrong[i % 5]);
        world_failed(w, 403, "ACTIVATION_CODE");
    }
    (void)activate(w, wrong[0]);
    world_failed(w, 429, "SIGN_IN_LIMIT");
}

static void a_code_ends_after_an_hour(void **state)
{
    struct world *w = *state;
    struct token admin = world_operator(w);
    char code[64];
    assert_int_equal(world_ask(w, "POST", DEVICES, admin.text, "{\"name\": \"room.company.com\"}"),
                     201);
    keep(world_text(w, "code"), code);
    w->now += 3600;
    (void)activate(w, code);
    world_failed(w, 403, "ACTIVATION_CODE");
}

static void a_new_code_moves_the_device_to_another_machine(void **state)
{
    struct world *w = *state;
    struct token admin = world_operator(w);
    char first[64], second[64], token[64];
    assert_int_equal(world_ask(w, "POST", DEVICES, admin.text, "{\"name\": \"room.company.com\"}"),
                     201);
    keep(world_text(w, "code"), first);
    assert_int_equal(on(w, "POST", DEVICES, 1, "/code", admin.text, NULL), 201);
    keep(world_text(w, "code"), second);
    (void)activate(w, first);
    world_failed(w, 403, "ACTIVATION_CODE");
    assert_int_equal(activate(w, second), 200);
    keep(world_text(w, "token"), token);
    assert_int_equal(on(w, "POST", DEVICES, 1, "/code", admin.text, NULL), 201);
    keep(world_text(w, "code"), first);
    assert_int_equal(world_ask(w, "GET", SESSION, token, NULL), 200);
    assert_int_equal(activate(w, first), 200);
    assert_int_equal(world_ask(w, "GET", SESSION, token, NULL), 401);
}

static void a_revoked_device_is_told_so(void **state)
{
    struct world *w = *state;
    struct token admin = world_operator(w), room = world_device(w, "room.company.com");
    assert_int_equal(on(w, "DELETE", DEVICES, room.id, "", admin.text, NULL), 204);
    world_audited(w, NULL, "device-revoke", "device:1");
    (void)world_ask(w, "GET", SESSION, room.text, NULL);
    world_failed(w, 403, "DEVICE_REVOKED");
    (void)world_ask(w, "POST", "/api/v1/certificate", room.text, "{\"csr\": \"AAAA\"}");
    world_failed(w, 403, "DEVICE_REVOKED");
    (void)on(w, "POST", DEVICES, room.id, "/code", admin.text, NULL);
    world_failed(w, 403, "DEVICE_REVOKED");
    (void)on(w, "DELETE", DEVICES, room.id, "", admin.text, NULL);
    world_failed(w, 404, "NO_SUCH_ENTRY");
    assert_int_equal(world_ask(w, "POST", DEVICES, admin.text, "{\"name\": \"room.company.com\"}"),
                     201);
}

static void a_device_has_a_name_of_its_own(void **state)
{
    struct world *w = *state;
    struct token admin = world_operator(w);
    static const char *const wrong[] = {"{}", "{\"name\": \"room\"}",
                                        "{\"name\": \"*.company.com\"}",
                                        "{\"name\": \"ada@company.com\"}", "{\"name\": true}"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        (void)world_ask(w, "POST", DEVICES, admin.text, wrong[i]);
        world_failed_field(w, "name");
    }
    (void)world_device(w, "room.company.com");
    (void)world_ask(w, "POST", DEVICES, admin.text, "{\"name\": \"room.company.com\"}");
    world_failed(w, 409, "NAME_TAKEN");
}

/* ---- Tokens and the log ---- */

static void a_token_is_ended(void **state)
{
    struct world *w = *state;
    struct token admin = world_operator(w), ada = world_user(w, "ada@company.com", false);
    assert_int_equal(world_ask(w, "GET", TOKENS, admin.text, NULL), 200);
    const json_t *t = json_array_get(world_list(w, "tokens", 2), 1);
    assert_string_equal(json_string_value(json_object_get(t, "identifier")), "ada@company.com");
    assert_string_equal(json_string_value(json_object_get(t, "kind")), "user");
    assert_int_equal(json_object_size(t), 5);
    assert_int_equal(on(w, "DELETE", TOKENS, 2, "", admin.text, NULL), 204);
    world_audited(w, "operator:1", "token-revoke", "token:2");
    assert_int_equal(world_ask(w, "GET", SESSION, ada.text, NULL), 401);
}

static void the_operators_token_is_for_a_day(void **state)
{
    struct world *w = *state;
    struct token token = world_operator(w);
    world_audited(w, "operator:1", "operator", "token:1");
    assert_int_equal(world_ask(w, "GET", SESSION, token.text, NULL), 200);
    assert_string_equal(world_text(w, "kind"), "operator");
    assert_string_equal(world_text(w, "identifier"), "");
    w->now += WORLD_DAY;
    assert_int_equal(world_ask(w, "GET", SESSION, token.text, NULL), 401);
}

static void the_log_is_read_from_anywhere(void **state)
{
    struct world *w = *state;
    struct token admin = world_operator(w);
    for (unsigned i = 0; i < 4; i++)
        (void)world_guest(w);
    assert_int_equal(world_ask_query(w, "/api/v1/admin/audit", "after=3&max=2", admin.text), 200);
    const json_t *e = json_array_get(world_list(w, "entries", 2), 0);
    assert_int_equal(json_integer_value(json_object_get(e, "id")), 4);
    assert_string_equal(json_string_value(json_object_get(e, "action")), "guest");
    assert_int_equal(json_integer_value(json_object_get(e, "at")), WORLD_NOW);
    assert_string_equal(world_text(w, "next"), "5");
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(an_account_is_made_and_signs_in),
        WITH_WORLD(an_account_needs_a_name_and_a_password),
        WITH_WORLD(accounts_are_listed_without_their_passwords),
        WITH_WORLD(a_disabled_account_is_out_at_once),
        WITH_WORLD(an_administrator_is_made_and_unmade),
        WITH_WORLD(nobody_locks_oneself_out),
        WITH_WORLD(a_password_that_was_set_ends_all_sessions),
        WITH_WORLD(a_deleted_account_takes_its_meetings_along),
        WITH_WORLD(what_is_not_there_is_not_found),
        WITH_WORLD(a_code_turns_a_device_on_once),
        WITH_WORLD(a_code_is_read_as_people_type_it),
        WITH_WORLD(wrong_codes_are_refused_and_counted),
        WITH_WORLD(a_code_ends_after_an_hour),
        WITH_WORLD(a_new_code_moves_the_device_to_another_machine),
        WITH_WORLD(a_revoked_device_is_told_so),
        WITH_WORLD(a_device_has_a_name_of_its_own),
        WITH_WORLD(a_token_is_ended),
        WITH_WORLD(the_operators_token_is_for_a_day),
        WITH_WORLD(the_log_is_read_from_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
