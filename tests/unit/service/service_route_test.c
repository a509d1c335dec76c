/* What holds for every request: who may ask, what can be read, and that there is an answer. */
#include "service/route.h"
#include "service_world.h"
#include "support/alloc_fail.h"
#include "support/random.h"

#define SESSION "/api/v1/session"

/* A pattern of the table with something in the place of its parameter. */
static void path_of(const char *pattern, char *out, size_t cap)
{
    const char *open = strchr(pattern, '{'), *close = strchr(pattern, '}');
    if (open == NULL)
        (void)snprintf(out, cap, SERVICE_PREFIX "%s", pattern);
    else
        (void)snprintf(out, cap, SERVICE_PREFIX "%.*s%s%s", (int)(open - pattern), pattern,
                       strncmp(open, "{id}", 4) == 0 ? "77" : "0123456789", close + 1);
}

static int status_of(struct world *w, const struct route *r, const char *token)
{
    char path[128];
    path_of(r->pattern, path, sizeof path);
    struct service_work *work = world_begin(w, r->method, path, token, NULL);
    return work == NULL ? w->response.status : world_finish(w, work);
}

/* Every route, asked by everybody: the table in route.c is the law. */
static void each_route_is_for_those_that_the_table_says(void **state)
{
    struct world *w = *state;
    size_t n;
    const struct route *table = route_table(&n);
    for (size_t i = 0; i < n; i++) {
        /* made anew each time: some routes end the token they are asked with */
        char email[48], name[48];
        (void)snprintf(email, sizeof email, "u%zu@company.com", i);
        (void)snprintf(name, sizeof name, "d%zu.company.com", i);
        const struct {
            unsigned roles;
            struct token token;
        } people[] = {
            {ROLE_NONE, {"", 0}},
            {ROLE_USER, world_user(w, email, false)},
            {ROLE_USER | ROLE_ADMIN, world_user(w, &email[1], true)},
            {ROLE_DEVICE, world_device(w, name)},
            {ROLE_GUEST, world_guest(w)},
            {ROLE_ADMIN, world_operator(w)},
        };
        for (size_t p = 0; p < sizeof people / sizeof people[0]; p++) {
            const char *token = people[p].token.text[0] == '\0' ? NULL : people[p].token.text;
            bool may = table[i].roles == ROLE_NONE || (table[i].roles & people[p].roles) != 0;
            int status = status_of(w, &table[i], token);
            if (may != (status != 401 && (status != 403 || table[i].roles == ROLE_NONE)))
                fail_msg("%s %s, person %zu: %d", table[i].method, table[i].pattern, p, status);
            if (!may && token == NULL)
                world_failed(w, 401, "TOKEN");
            else if (!may)
                world_failed(w, 403, "NOT_ENTITLED");
            assert_int_not_equal(status, 500);
        }
        w->now += 60; /* rates recover */
    }
}

static void what_is_no_route_is_not_found(void **state)
{
    struct world *w = *state;
    static const char *const paths[] = {
        "",
        "/",
        "/api",
        "/api/v1",
        "/api/v1/",
        "/api/v2/session",
        "/api/v1/sessions",
        "/api/v1/session/",
        "/api/v1/session/x",
        "/api/v1//session",
        "/api/v1session",
        "/api/v1/admin/users//password",
        "/api/v1/admin/users/1/password/x",
        "/api/v1/meetings/",
        "/api/v1/meetings/12345678901234567890123456789012345678901234567890",
    };
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        (void)world_ask(w, "GET", paths[i], NULL, NULL);
        world_failed(w, 404, "NO_SUCH_ENTRY");
    }
}

static void another_method_is_told_apart_from_no_route(void **state)
{
    struct world *w = *state;
    (void)world_ask(w, "DELETE", SESSION, NULL, NULL);
    world_failed(w, 405, "UNEXPECTED");
    (void)world_ask(w, "get", SESSION, NULL, NULL);
    world_failed(w, 405, "UNEXPECTED");
}

static void what_is_no_token_is_refused(void **state)
{
    struct world *w = *state;
    struct token ada = world_user(w, "ada@company.com", false);
    static const char *const headers[] = {
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Basic YWRhOnB3",
        "Bearer AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "Bearer AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    };
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        const struct service_request request = {.method = "GET",
                                                .path = SESSION,
                                                .query = "",
                                                .authorization = headers[i],
                                                .address = "192.0.2.1"};
        struct service_response r;
        struct service_work *work;
        service_handle(w->service, &request, w->now * 1000000, &r, &work);
        assert_int_equal(r.status, 401);
        service_response_fini(&r);
    }
    for (size_t i = 0; i < SESSION_TEXT - 1; i++) {
        struct token other = ada;
        other.text[i] = other.text[i] == 'E' ? 'I' : 'E';
        assert_int_equal(world_ask(w, "GET", SESSION, other.text, NULL), 401);
    }
    assert_int_equal(world_ask(w, "GET", SESSION, ada.text, NULL), 200);
}

/* RFC 9110 11.1 */
static void the_scheme_of_a_token_has_no_case(void **state)
{
    struct world *w = *state;
    char header[64];
    struct token ada = world_user(w, "ada@company.com", false);
    (void)snprintf(header, sizeof header, "bEARER %s", ada.text);
    const struct service_request request = {.method = "GET",
                                            .path = SESSION,
                                            .query = "",
                                            .authorization = header,
                                            .address = "192.0.2.1"};
    struct service_response r;
    struct service_work *work;
    service_handle(w->service, &request, w->now * 1000000, &r, &work);
    assert_int_equal(r.status, 200);
    service_response_fini(&r);
}

static void who_lost_the_account_lost_the_token(void **state)
{
    struct world *w = *state;
    struct token ada = world_user(w, "ada@company.com", false);
    assert_int_equal(store_user_set_flags(w->store, ada.id, false, true), 0);
    (void)world_ask(w, "GET", SESSION, ada.text, NULL);
    world_failed(w, 401, "TOKEN");
    assert_int_equal(store_user_set_flags(w->store, ada.id, true, false), 0);
    assert_int_equal(world_ask(w, "GET", SESSION, ada.text, NULL), 200);
    assert_true(json_is_true(json_object_get(w->json, "admin")));
    assert_int_equal(store_user_remove(w->store, ada.id), 0);
    (void)world_ask(w, "GET", SESSION, ada.text, NULL);
    world_failed(w, 401, "TOKEN");
}

static void what_is_no_json_object_is_malformed(void **state)
{
    struct world *w = *state;
    static const char *const bodies[] = {
        "{",
        "[]",
        "\"x\"",
        "7",
        "null",
        "{} {}",
        "{\"a\": 1,}",
        "{\"a\": 1, \"a\": 2}",
        "{\"a\": \"\\u0000\"}",
        "{\"\xff\": 1}",
        "{'a': 1}",
        " ",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        (void)world_ask(w, "POST", "/api/v1/guest", NULL, bodies[i]);
        world_failed(w, 400, "MALFORMED");
    }
    assert_int_equal(world_ask(w, "POST", "/api/v1/guest", NULL, "{\"unknown\": 7}"), 201);
}

static void a_body_has_a_size(void **state)
{
    struct world *w = *state;
    static char body[SERVICE_BODY_MAX + 2];
    memset(body, ' ', sizeof body - 1);
    body[0] = '{';
    body[1] = '}';
    (void)world_ask(w, "POST", "/api/v1/guest", NULL, body);
    world_failed(w, 413, "TOO_LARGE");
    body[SERVICE_BODY_MAX] = '\0';
    assert_int_equal(world_ask(w, "POST", "/api/v1/guest", NULL, body), 201);
    /* deeper than anybody needs */
    memset(body, '[', SERVICE_BODY_MAX);
    (void)world_ask(w, "POST", "/api/v1/guest", NULL, body);
    world_failed(w, 400, "MALFORMED");
}

static void one_address_asks_so_often(void **state)
{
    struct world *w = *state;
    unsigned n = 0;
    while (world_ask(w, "GET", "/api/v1/ca", NULL, NULL) == 200)
        n++;
    assert_int_equal(n, 600);
    world_failed(w, 429, "TOO_MANY");
    assert_string_equal(w->response.retry_after, "60");
    w->address = "2001:db8::1";
    assert_int_equal(world_ask(w, "GET", "/api/v1/ca", NULL, NULL), 200);
}

static void guests_of_one_address_come_so_often(void **state)
{
    struct world *w = *state;
    for (unsigned i = 0; i < 60; i++)
        assert_int_equal(world_ask(w, "POST", "/api/v1/guest", NULL, NULL), 201);
    (void)world_ask(w, "POST", "/api/v1/guest", NULL, NULL);
    world_failed(w, 429, "TOO_MANY");
}

static void pages_are_asked_for_in_numbers(void **state)
{
    struct world *w = *state;
    struct token admin = world_operator(w);
    static const char *const lists[] = {"users", "devices", "meetings", "tokens", "audit"};
    static const char *const wrong[][2] = {
        {"max=0", "max"},
        {"max=501", "max"},
        {"max=-1", "max"},
        {"max=x", "max"},
        {"max=1&max=x&after=y", "after"},
        {"max=99999999999999999999999999999999999999", "max"},
        {"after=1x", "after"},
        {"after=%31", "after"},
        {"after=11111111111111111111111111111111111111", "after"},
    };
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        char path[64];
        (void)snprintf(path, sizeof path, "/api/v1/admin/%s", lists[i]);
        for (size_t q = 0; q < sizeof wrong / sizeof wrong[0]; q++) {
            (void)world_ask_query(w, path, wrong[q][0], admin.text);
            world_failed_field(w, wrong[q][1]);
        }
        assert_int_equal(world_ask_query(w, path, "", admin.text), 200);
        assert_int_equal(world_ask_query(w, path, "&&max=&after=&x=1&=", admin.text), 200);
        assert_int_equal(world_ask_query(w, path, "max=500&after=5", admin.text), 200);
    }
    (void)world_ask_query(w, "/api/v1/admin/users", "after=9999999999999999999", admin.text);
    world_failed_field(w, "after");
}

static void a_store_that_fails_is_told_to_the_log(void **state)
{
    struct world *w = *state;
    assert_int_equal(store_begin(w->store), 0); /* so that the service cannot */
    (void)world_ask(w, "POST", "/api/v1/guest", NULL, NULL);
    world_failed(w, 500, "SERVER_ERROR");
    assert_int_equal(w->response.error, CONCLAVE_ESTATE);
    store_rollback(w->store);
    assert_int_equal(world_ask(w, "POST", "/api/v1/guest", NULL, NULL), 201);
}

/* One request, whatever comes of it; 0 if it went well. */
static int guest_once(void *ctx)
{
    struct world *w = ctx;
    const struct service_request request = {.method = "POST",
                                            .path = "/api/v1/guest",
                                            .query = "",
                                            .authorization = "",
                                            .address = "192.0.2.1"};
    struct service_response r;
    struct service_work *work;
    w->now += 10; /* the rate allows one more */
    service_handle(w->service, &request, w->now * 1000000, &r, &work);
    int status = r.status;
    bool whole = r.body.n != 0 || r.content_type == NULL;
    service_response_fini(&r);
    if (!whole || (status != 201 && status != 503))
        return 0; /* not among the honest failures */
    return status == 201 ? 0 : CONCLAVE_ENOMEM;
}

static void without_memory_there_is_an_answer_too(void **state)
{
    assert_true(alloc_sweep(guest_once, *state) > 3);
}

struct making {
    struct world *w;
    struct service_config config;
};

static int make_service(void *ctx)
{
    const struct making *m = ctx;
    struct service *s = NULL;
    int rv = service_new(&m->config, &s);
    service_free(s);
    return rv;
}

static void a_service_is_made_whole_or_not_at_all(void **state)
{
    struct world *w = *state;
    struct making m = {.w = w,
                       .config = {.store = w->store,
                                  .crypto = w->crypto,
                                  .ca = w->ca,
                                  .server_key = crypto_signer_public(w->server),
                                  .name = "x",
                                  .base_url = WORLD_URL}};
    assert_true(alloc_sweep(make_service, &m) > 4);
    m.config.public_roots =
        bytes_str("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----");
    assert_int_equal(make_service(&m), CONCLAVE_EINVAL);
    m.config.public_roots = bytes_of(NULL, 0);
    m.config.certificate_lifetime = 32 * WORLD_DAY;
    assert_int_equal(make_service(&m), CONCLAVE_EINVAL);
    m.config.certificate_lifetime = 31 * WORLD_DAY;
    assert_int_equal(make_service(&m), 0);
    m.config.token_lifetime = UINT64_MAX;
    assert_int_equal(make_service(&m), CONCLAVE_EINVAL);
}

/* Bytes of nobody's making, to every route: an answer each time. */
static void noise_is_answered(void **state)
{
    struct world *w = *state;
    struct random r = {42};
    struct token admin = world_operator(w);
    size_t n;
    const struct route *table = route_table(&n);
    for (unsigned i = 0; i < 2000; i++) {
        const struct route *route = &table[random_below(&r, n)];
        char path[128], body[64] = "{\"email\": \"a@b.c\", \"code\": \"";
        size_t at = random_below(&r, sizeof body - 1);
        path_of(route->pattern, path, sizeof path);
        for (size_t k = 0; k < 4; k++)
            body[random_below(&r, at + 1)] = (char)(1 + random_below(&r, 255));
        w->now += 60;
        struct service_work *work = world_begin(w, route->method, path, admin.text, body);
        if (work != NULL)
            (void)world_finish(w, work);
        assert_true(w->response.status >= 200 && w->response.status < 500);
        if (i % 100 == 0)
            admin = world_operator(w); /* it may have been used to sign out */
    }
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(each_route_is_for_those_that_the_table_says),
        WITH_WORLD(what_is_no_route_is_not_found),
        WITH_WORLD(another_method_is_told_apart_from_no_route),
        WITH_WORLD(what_is_no_token_is_refused),
        WITH_WORLD(the_scheme_of_a_token_has_no_case),
        WITH_WORLD(who_lost_the_account_lost_the_token),
        WITH_WORLD(what_is_no_json_object_is_malformed),
        WITH_WORLD(a_body_has_a_size),
        WITH_WORLD(one_address_asks_so_often),
        WITH_WORLD(guests_of_one_address_come_so_often),
        WITH_WORLD(pages_are_asked_for_in_numbers),
        WITH_WORLD(a_store_that_fails_is_told_to_the_log),
        WITH_WORLD(without_memory_there_is_an_answer_too),
        WITH_WORLD(a_service_is_made_whole_or_not_at_all),
        WITH_WORLD(noise_is_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
